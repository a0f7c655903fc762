"""What every room stands on: settings, errors, events, conversations, jobs, chat models. Imports no sibling."""
