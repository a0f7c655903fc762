"""The names of the arms that a comparison and the chat know without asking what exists."""

BASE = "base"
RAG = "rag"
TUNED = "tuned"
DOCUMENTS = "documents"  # the mode of the agent
