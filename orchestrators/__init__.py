"""Workflows: pure control flow, replayed from history after every step.

Read only the input, the context and what steps return. No clock, random, uuid, settings, environment or I/O:
a nested ruff configuration refuses them here.
"""
