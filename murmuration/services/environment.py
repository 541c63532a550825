"""Reads single settings: what is missing or malformed is told by its key."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from murmuration.services.errors import SettingsError

ReadSecret = Callable[[str, str], str]
"""(vault URL, secret name) -> value."""
SECRET_PREFIX = "keyvault:"  # noqa: S105 - the mark of a reference, not a secret


class Environment:
    """Raises `SettingsError` that names the key and quotes the value, unless that is a secret."""

    def __init__(self, environment: Mapping[str, str], read_secret: ReadSecret) -> None:
        self._environment = environment
        self._read_secret = read_secret

    def optional(self, key: str) -> str | None:
        value = self._environment.get(key, "").strip()
        if not value.startswith(SECRET_PREFIX):
            return value or None
        vault = self._environment.get("KEY_VAULT_URL", "").strip()
        if not vault:
            raise SettingsError(f"{key} is {value!r}, a reference into Key Vault, but KEY_VAULT_URL is missing")
        return self._read_secret(vault, value.removeprefix(SECRET_PREFIX))

    def required(self, key: str) -> str:
        value = self.optional(key)
        if value is None:
            raise SettingsError(f"setting {key} is missing: see local.settings.json.example")
        return value

    def url(self, key: str, *, default: str | None = None, schemes: tuple[str, ...] = ("http", "https")) -> str:
        value = self.optional(key) or default or self.required(key)
        parts = urlsplit(value)
        if parts.scheme not in schemes or not (parts.netloc or parts.path):
            raise SettingsError(f"setting {key} is {value!r}: not a URL with {' or '.join(schemes)}")
        return value

    def secret_url(self, key: str) -> str:
        """An HTTPS URL (on loopback HTTP, too) that is not quoted when it is malformed."""
        value = self.required(key)
        parts = urlsplit(value)
        if not parts.netloc or not (parts.scheme == "https" or (parts.scheme, parts.hostname) == ("http", "127.0.0.1")):
            raise SettingsError(f"setting {key} is not a URL with https; its value is a secret and is not shown")
        return value

    def number(self, key: str, *, default: float | None, low: float, high: float) -> float:
        text = self.optional(key)
        if text is None and default is not None:
            return default
        text = text or self.required(key)
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise SettingsError(f"setting {key} is {text!r}: not a number from {low} to {high}")
        return value

    def whole(self, key: str, *, low: int, high: int) -> int | None:
        """None when it isn't set."""
        text = self.optional(key)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and low <= int(text[:10]) <= high):
            raise SettingsError(f"setting {key} is {text!r}: not a whole number from {low} to {high}")
        return int(text)

    def one_of(self, key: str, known: tuple[Any, ...], *, default: str) -> Any:
        value = self.optional(key) or default
        if value not in known:
            raise SettingsError(f"setting {key} is {value!r}: use {' or '.join(known)}")
        return value
