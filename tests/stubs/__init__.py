"""Servers that stand in for real ones."""
