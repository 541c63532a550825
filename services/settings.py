"""One frozen `Settings`, read once from the environment. Nothing else reads the environment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from services.errors import SettingsError

ModelApi = Literal["responses", "chat"]
Tier = Literal["fast", "standard", "reasoning"]
ReadSecret = Callable[[str, str], str]
"""(vault URL, secret name) -> value."""

SWITCH = ("off", "on")
SECRET_PREFIX = "keyvault:"  # noqa: S105 - the mark of a reference, not a secret


@dataclass(frozen=True)
class Endpoint:
    url: str
    key: str | None
    """None: the app's managed identity (or whoever is logged in) is used."""


@dataclass(frozen=True)
class Settings:
    """Where the outside is. See local.settings.json.example for what each key means."""

    search: Endpoint
    vector_weight: float
    """Weight of the vector ranking in hybrid search, 0 to 10; the ranking by words weighs 1."""
    semantic_ranker: bool
    """Whether the service's semantic ranker orders passages; it is billed by query."""
    model: Endpoint
    model_api: ModelApi
    models: Mapping[Tier, str]
    """The deployment (Azure) or model name of each tier."""
    embedding: Endpoint
    embedding_model: str
    embedding_dimensions: int
    artifacts_url: str
    memory_half_life_days: float
    """After so many days without use a memory counts half as much."""
    tenant: str
    """Whose runs and memory these are, as long as callers carry no identity of their own."""


def settings_from(environment: Mapping[str, str], read_secret: ReadSecret) -> Settings:
    """Raises `SettingsError` for the first key that is missing or malformed.

    A value `keyvault:NAME` is the secret NAME of the vault at KEY_VAULT_URL.
    """
    read = _Reader(environment, read_secret)
    model = Endpoint(read.url("MODEL_BASE_URL"), read.optional("MODEL_API_KEY"))
    standard = read.required("MODEL_STANDARD")
    return Settings(
        search=Endpoint(read.url("AZURE_SEARCH_ENDPOINT"), read.optional("AZURE_SEARCH_API_KEY")),
        vector_weight=read.number("SEARCH_VECTOR_WEIGHT", default=1.0, low=0, high=10),
        semantic_ranker=read.one_of("SEARCH_SEMANTIC_RANKER", SWITCH) == "on",
        model=model,
        model_api=cast(ModelApi, read.one_of("MODEL_API", get_args(ModelApi))),
        models={
            "fast": read.optional("MODEL_FAST") or standard,
            "standard": standard,
            "reasoning": read.optional("MODEL_REASONING") or standard,
        },
        embedding=Endpoint(
            read.url("EMBEDDING_BASE_URL", default=model.url),
            read.optional("EMBEDDING_API_KEY") or model.key,
        ),
        embedding_model=read.required("EMBEDDING_MODEL"),
        embedding_dimensions=int(read.number("EMBEDDING_DIMENSIONS", default=None, low=8, high=4096)),
        artifacts_url=read.url("ARTIFACTS_URL", schemes=("file", "az", "abfs", "https")),
        memory_half_life_days=read.number("MEMORY_HALF_LIFE_DAYS", default=30, low=0.1, high=3650),
        tenant=read.optional("TENANT") or "default",
    )


class _Reader:
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

    def one_of(self, key: str, values: Sequence[str]) -> str:
        """The first is the default."""
        value = self.optional(key) or values[0]
        if value not in values:
            raise SettingsError(f"setting {key} is {value!r}: use {' or '.join(values)}")
        return value


@cache
def current_settings() -> Settings:
    """The settings of this process."""
    import os

    from services.secrets import read_secret

    return settings_from(os.environ, read_secret)
