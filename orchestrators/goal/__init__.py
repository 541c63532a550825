"""Achieve a goal."""
