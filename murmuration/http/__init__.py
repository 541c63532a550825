"""What all HTTP triggers share: request bodies, problem+json, and looking up runs."""
