"""Salesforce on the wire: sign-in, REST, describe, Bulk API 2.0 ingest and query."""
