"""What every package stands on: settings, errors, chat, jobs, models. Imports no other."""
