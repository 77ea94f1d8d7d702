"""What docs/definitions.md says, computed a second time: slowly, plainly, straight from the events."""
