"""Benchmarks. Each script prints its figures; `--json` prints them as one JSON object."""
