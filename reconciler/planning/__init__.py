"""Computes a judged plan from the base, desired and live states."""
