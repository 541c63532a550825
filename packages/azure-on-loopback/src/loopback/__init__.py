"""Azure on this machine: servers on loopback that speak the wire of Azure Functions, Azure AI Search and OpenAI."""

__version__ = "0.1.0"
