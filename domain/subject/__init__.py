"""A person whose data are held: the consents that were given, one per use and recipient, and leaks."""
