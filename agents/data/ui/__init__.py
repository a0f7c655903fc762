"""The data agent's part of the chat page."""
