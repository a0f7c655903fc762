"""A corpus and a base -> the base with a vocabulary that knows the corpus's words."""
