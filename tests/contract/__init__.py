"""What an adapter promises, against real servers: registries, forges, webhooks."""
