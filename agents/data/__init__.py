"""A question -> a guarded query on a database -> a table, a chart and computed findings."""
