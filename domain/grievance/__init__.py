"""A grievance: a merchant complains about a platform, apart from what consumers complain about."""
