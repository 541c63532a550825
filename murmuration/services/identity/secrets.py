"""Secrets from Azure Key Vault, with the app's managed identity."""

from azure.core.exceptions import AzureError

from murmuration.services.clients import secret_client
from murmuration.services.errors import SettingsError


def read_secret(vault_url: str, name: str) -> str:
    """Read the value of a secret; raises `SettingsError` that names the secret, never its value."""
    try:
        with secret_client(vault_url) as client:
            value = client.get_secret(name).value
    except AzureError as error:
        reason = type(error).__name__
        raise SettingsError(f"secret {name!r} of {vault_url!r} can't be read: {reason}") from error
    if not value:
        raise SettingsError(f"secret {name!r} of {vault_url!r} is empty")
    return value
