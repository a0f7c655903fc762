"""The tuned agent's part of the chat page."""
