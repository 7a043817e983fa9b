"""Pure functions from a source record to target rows. No I/O, no clock, no randomness."""
