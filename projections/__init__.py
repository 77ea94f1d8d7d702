"""Read models: pure functions from events to rows, and from rows to sums."""
