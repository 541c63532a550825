"""The HTTP API's common parts: request bodies, problem+json, and looking up runs."""
