"""The values that rooms pass on, and the table of steps. Imports nothing of the project."""
