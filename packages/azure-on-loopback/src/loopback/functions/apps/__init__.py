"""Somebody's app: loading it, its settings, and calling its functions."""
