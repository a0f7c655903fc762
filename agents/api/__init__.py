"""The chat seam and the workspace over HTTP, as OpenAI's clients know it."""
