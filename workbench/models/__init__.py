"""Names -> chat models."""
