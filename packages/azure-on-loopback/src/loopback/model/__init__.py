"""The OpenAI REST API on loopback, answered by a deterministic offline model that says it is one.

`routes` speaks the wire, `skills` replies, `script` and `background` stage failures and background responses.
`embedders` lists the embedding models: `embeddings` hashes features, `minilm` is a real model (an extra) whose forward
pass is `bert`.
"""
