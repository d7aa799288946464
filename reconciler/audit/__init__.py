"""What git and the apply records prove: changes, authors, times, approvals, applies. Pure."""
