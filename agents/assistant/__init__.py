"""A question of several steps -> the experts as tools of one chat model."""
