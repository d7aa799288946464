"""Bounded HTTP, which the clients of registries and forges share; the webhooks."""
