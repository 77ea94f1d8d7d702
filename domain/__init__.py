"""The rules of the complaint ledger: events, state and decisions. No clock, no randomness, no I/O."""
