"""A prepared run -> adapter."""
