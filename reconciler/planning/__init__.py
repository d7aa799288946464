"""Three states become a judged plan."""
