"""`workbench mcp`."""
