"""What `reconciler init` writes into a repository, and what it leaves to be done."""
