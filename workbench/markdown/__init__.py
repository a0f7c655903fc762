"""Text from models, documents and people -> Markdown in which nothing loads, runs or hides."""
