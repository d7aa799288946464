"""Carries out a plan, records what was written where, and tells who is to know."""
