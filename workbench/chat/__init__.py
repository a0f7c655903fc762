"""What an answer is made of, and how it is kept."""
