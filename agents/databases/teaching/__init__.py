"""A schema -> questions with queries that a small model can learn."""
