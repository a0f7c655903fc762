"""A workspace -> one file, taken while it is in use; that file -> a workspace, anywhere."""
