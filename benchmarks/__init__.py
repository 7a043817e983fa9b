"""Measurements, printed as ratios to a floor of the same run; never asserted."""
