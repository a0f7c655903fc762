"""`workbench deploy …`."""
