"""`workbench forecast`."""
