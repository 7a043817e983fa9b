"""Speaks the wire protocols of Kustomer and Salesforce. Knows no mapping and no database."""
