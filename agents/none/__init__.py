"""A question that nothing here is about -> the chat model's own words, or what can be asked."""
