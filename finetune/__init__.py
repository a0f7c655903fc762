"""Data set -> run -> adapter -> evaluation."""
