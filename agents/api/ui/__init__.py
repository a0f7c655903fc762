"""Keys of the HTTP API on pages."""
