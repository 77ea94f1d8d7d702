"""A merchant: its events, its state, its decisions."""
