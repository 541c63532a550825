"""Recorded histories of every orchestrator on every path, a folder for each version of the orchestrations.

`python -m tests.histories` records those of the current version anew. A folder of a version that is released stays as
it is: `test_histories.py` replays all of them against today's code.
"""
