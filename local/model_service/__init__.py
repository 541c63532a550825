"""The OpenAI REST API on loopback, with an offline model that is deterministic, extractive, and says so.

`offline` dispatches to `planning`, `extraction` and `judging`; `embeddings` hashes features; `script` makes it
fail on order; `routes` speaks the wire.
"""
