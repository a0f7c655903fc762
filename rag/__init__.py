"""Files -> passages -> index -> ranked passages."""
