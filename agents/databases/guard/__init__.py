"""A statement -> the tree that may run, printed again, or Refused."""
