"""An interpreter of workflow files."""
