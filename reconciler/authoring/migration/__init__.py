"""The steps from stages to aliases, as changes to declarations and settings. Pure."""
