"""The Azure AI Search REST API on loopback, as azure-search-documents 12 calls it.

Definitions: `definitions`, `checks`, `values`. Data: `store` keeps indexes, `table` one of them, `words` and `vectors`
what is searched. Queries: `simple_syntax` and `lucene_syntax` read text into the trees of `matching`, `odata` compiles
filters; `ranking` fuses, `search` answers, with `order`, `facets`, `highlight` and `semantic`. `routes` serves.
"""
