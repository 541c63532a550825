"""The cloud on a laptop: servers on loopback that speak the wire of Azure. Imports nothing of the app."""
