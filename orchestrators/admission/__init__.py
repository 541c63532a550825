"""Wait for a slot: a tenant's limit of active runs."""
