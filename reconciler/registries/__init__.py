"""The adapters behind the port to a registry: MLflow over REST, and MLflow's own client."""
