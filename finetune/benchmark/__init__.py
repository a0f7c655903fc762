"""A model and benchmarks -> accuracies by lm-evaluation-harness, kept question by question."""
