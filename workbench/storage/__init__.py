"""Where rows are kept: an SQLite file of the workspace, or a schema of a PostgreSQL server."""
