"""`workbench data …`."""
