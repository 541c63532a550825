"""Serving the app's HTTP functions, and the access keys, paths and errors of all the host's endpoints."""
