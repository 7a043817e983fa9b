"""Stand-ins for both APIs: real HTTP servers on loopback, written from the facts alone."""
