"""Databases by name: their schema, the guard, read-only queries, computed findings."""
