"""The report: what went where, what did not, and why, without personal data."""
