"""The ledger: what was read, sealed, sent and made, in SQLite and a spool of batch files."""
