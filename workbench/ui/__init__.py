"""Shared Streamlit pieces, in two languages."""
