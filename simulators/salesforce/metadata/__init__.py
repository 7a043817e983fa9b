"""The Metadata API of the stand-in: deployments, permission sets, value sets (facts, section 8)."""
