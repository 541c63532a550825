"""Seeded fault simulation: one virtual host, and a world that goes wrong."""
