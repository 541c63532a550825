"""The Azure AI Search REST API on loopback, as azure-search-documents 12 calls it.

Definitions: `definitions`, `checks`, `values`. Data: `store` holds all indexes, `table` one index: its `documents`, its
`inverted_index` (made of `segment`s) and its `vectors`. Queries: `simple_syntax` and `lucene_syntax` parse text into
the trees of `matching`, `odata` compiles filters, `ranking` ranks and fuses, `search` answers, with the help of
`order`, `facets`, `highlight` and `semantic`. `routes` serves HTTP, `faults` injects failures.
"""
