"""Run -> GGUF -> Ollama model."""
