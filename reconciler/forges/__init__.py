"""The adapters of the forge port, and the environment of a CI job."""
