"""The Durable management API."""
