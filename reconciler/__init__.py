"""Git declares what an MLflow Model Registry holds; the reconciler closes the difference."""
