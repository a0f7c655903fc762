"""`workbench compare`: its commands."""
