"""What git and the apply records prove: who changed what, when, approved by whom. Pure."""
