"""What `reconciler init` writes into a repository, and the next steps that it prints."""
