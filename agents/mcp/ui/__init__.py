"""MCP servers on the page where connections are."""
