"""Panels of what was learned and of what to do next."""
