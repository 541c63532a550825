"""The OpenAI REST API on loopback, with an offline model that is deterministic, extractive, and says so.

`offline` dispatches to `planning`, `extraction`, `judging`, `lessons` and `summaries`; `script` makes it fail on order;
`routes` speaks the wire. `embedders` are the models of embeddings: `embeddings` hashes features, `minilm` is a real
one, an extra, whose forward pass is `bert`.
"""
