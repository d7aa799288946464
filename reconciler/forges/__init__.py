"""The adapters behind the port to a forge, and what a job's environment says about it."""
