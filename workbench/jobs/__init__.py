"""A command as a detached background job: `job` is its folder, `keeper` the process that runs it."""
