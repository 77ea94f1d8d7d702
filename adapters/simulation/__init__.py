"""A market in simulated time, which makes traffic over all procedures."""
