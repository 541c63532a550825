"""Artifacts, conversations and records of runs in the object store."""
