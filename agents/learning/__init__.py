"""What people and comparisons judged -> where questions like these go, and what to do next."""
