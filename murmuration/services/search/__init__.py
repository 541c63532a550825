"""The memory: vector indexes in Azure AI Search, through its SDK."""
