"""`workbench loop`."""
