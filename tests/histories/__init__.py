"""Recorded histories of every workflow on every path, in a folder for each version of the workflows.

`python -m tests.histories` records the current version anew. The folder of a released version stays as it is:
`test_histories.py` replays all of them on today's code. The folder `0.9` proves that, see `versioned.py`.
"""
