"""Approval within a goal's run."""
