"""`workbench serve` and `workbench keys`."""
