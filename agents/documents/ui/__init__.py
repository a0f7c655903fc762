"""The documents agent's part of the chat page."""
