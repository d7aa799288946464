"""HTTP with bounds, which the clients of registries, forges and webhooks share."""
