"""Proposes lines of a map: existing fields are recognised, the rest gets fields of its own. Pure."""
