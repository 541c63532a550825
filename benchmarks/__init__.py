"""Measured, not promised: each script prints its figures; `--json` prints them as one JSON object."""
