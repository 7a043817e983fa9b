"""A stand-in for Kustomer's REST API."""
