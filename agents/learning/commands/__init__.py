"""Commands on what was learned and on what to do next."""
