"""Tests of reconciler/policy/cel."""
