"""A stand-in for Salesforce's REST and Bulk 2.0 APIs."""
