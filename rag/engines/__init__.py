"""Who reads and embeds the files of an ingest: this process, or workers of a cluster."""
