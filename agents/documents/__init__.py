"""A question -> passages -> a cited answer."""
