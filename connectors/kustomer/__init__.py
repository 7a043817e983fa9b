"""Kustomer's REST API, read only: lists, search, single records (Kustomer facts, sections 1-5)."""
