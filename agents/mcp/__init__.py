"""MCP, both ways: the experts for other programs, and other programs' tools for the assistant."""
