"""A merchant: who it is, what it takes part in, what it changes, and how it stands."""
