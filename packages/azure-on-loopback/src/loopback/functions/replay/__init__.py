"""Replaying orchestrators and reading their decisions."""
