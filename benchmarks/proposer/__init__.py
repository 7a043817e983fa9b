"""How often the proposer picks the field that a person would, and how honest its confidence is."""
