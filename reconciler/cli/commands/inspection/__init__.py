"""The commands that show versions and write nothing."""
