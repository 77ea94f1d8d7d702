"""Grades of how a merchant handles complaints: of the ends of months, and appeals against falls."""
