"""Question -> router -> one agent -> stream of events."""
