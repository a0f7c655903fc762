"""The assistant in the chat."""
