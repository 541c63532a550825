"""Replaying an orchestrator, and working out what its reply makes the host do. Knows no store and no app."""
