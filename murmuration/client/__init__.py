"""The typed client of the app's HTTP API."""
