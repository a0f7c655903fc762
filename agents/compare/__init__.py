"""Questions and arms -> who answers better: base, documents, tuned, or both."""
