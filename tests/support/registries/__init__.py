"""Real MLflow servers, a registry in memory, and proxies between."""
