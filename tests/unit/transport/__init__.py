"""Tests of what the clients of registries, forges and sources share."""
