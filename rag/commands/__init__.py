"""`workbench rag …`."""
