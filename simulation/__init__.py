"""Seeded fault simulation: one virtual host and world."""
