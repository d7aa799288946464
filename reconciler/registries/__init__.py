"""The adapters of the registry port: MLflow over REST, and MLflow's own client."""
