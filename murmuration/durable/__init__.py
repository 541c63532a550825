"""How a workflow waits: the only files that know the Durable SDK's context and tasks."""
