"""A merchant: who it is, and what it takes part in."""
