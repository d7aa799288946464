"""Tests of reconciler/audit/usage."""
