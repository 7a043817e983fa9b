"""The target's schema: what the map needs of it, deployed, made visible and proven."""
