"""The Kustomer stand-in, written from the API facts alone."""
