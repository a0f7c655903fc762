"""Files and folders -> documents -> tokens, cached on disk -> blocks to learn from."""
