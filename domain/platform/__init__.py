"""A platform: its rules, what the authority asks of it, and what it reports."""
