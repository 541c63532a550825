"""The app's memory: vector indexes in Azure AI Search."""
