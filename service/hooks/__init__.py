"""Hooks: commands and webhooks that are told at named points of a run."""
