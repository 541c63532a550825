"""Credentials: secrets from Key Vault."""
