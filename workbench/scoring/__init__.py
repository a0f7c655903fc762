"""An answer and a reference -> scores."""
