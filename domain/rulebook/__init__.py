"""The rules in force: its events, its state, its decisions."""
