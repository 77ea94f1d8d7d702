"""A complaint of a consumer against a merchant: its events, its state, its decisions."""
