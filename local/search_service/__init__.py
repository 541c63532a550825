"""The Azure AI Search REST API on loopback, as azure-search-documents 12 calls it.

`definitions` checks indexes, `odata` compiles filters, `query` reads query text, `store` keeps and ranks,
`routes` serves.
"""
