"""A question -> what a tuned model says."""
