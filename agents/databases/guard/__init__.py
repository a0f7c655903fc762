"""A statement -> the tree that may run, printed anew, or the reason why not."""
