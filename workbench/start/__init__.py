"""The first start: workspace, checks, app."""
