"""A client of the app's HTTP API."""
