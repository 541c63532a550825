"""Structured logs, without content."""
