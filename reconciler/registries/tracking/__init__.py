"""The tracking server: runs, logged models and `MLmodel` files."""
