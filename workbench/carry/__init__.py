"""Runs, models and collections of a workspace -> one archive at a URL, and back into another."""
