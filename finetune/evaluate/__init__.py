"""A run -> scored answers."""
