"""The command line: `python -m murmuration.cli`."""
