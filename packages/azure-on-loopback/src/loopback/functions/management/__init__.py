"""The Durable management API over HTTP, as the extension serves it."""
