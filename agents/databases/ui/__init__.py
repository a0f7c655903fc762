"""The Data page, and a result as the chat shows it."""
