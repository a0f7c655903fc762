"""Rows -> tokens and labels."""
