"""A command as a detached background job."""
