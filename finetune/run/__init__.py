"""A run file and its folder: checked, prepared, measured."""
