"""A command as a detached job: `job` is its folder, `keeper` the process that runs it."""
