"""One frozen `Settings`, read once from the environment. Nothing else reads the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, get_args

from murmuration.contracts.admission import Rate
from murmuration.services.environment import Environment, ReadSecret
from murmuration.services.errors import SettingsError

ModelApi = Literal["responses", "chat"]
WebhookFormat = Literal["teams", "slack"]
SmtpSecurity = Literal["starttls", "tls", "none"]
Tier = Literal["fast", "standard", "reasoning"]

SECRET_CHARACTERS = 32
EXTRACTIVE = "extractive"
"""The last link of a chain of models that no provider is asked for."""
_PLACE = re.compile(r"[A-Z][A-Z0-9_]*")
"""The name of an endpoint; what else follows an @ is part of a model's name."""


@dataclass(frozen=True)
class Endpoint:
    url: str
    key: str | None = field(repr=False)
    """None: the app's managed identity (or whoever is logged in) is used."""


@dataclass(frozen=True)
class DeploymentSettings:
    """A model at an endpoint."""

    label: str
    """As the settings write it: `name` or `name@ENDPOINT`."""
    name: str
    """The deployment (Azure) or model name."""
    endpoint: Endpoint


@dataclass(frozen=True)
class Chain:
    """Who answers for a tier: the first deployment, or when it can't, the next."""

    deployments: tuple[DeploymentSettings, ...]
    extractive: bool = False
    """Whether `murmuration.services.model.extractive` answers when none of them can."""


@dataclass(frozen=True)
class Smtp:
    """The mail server that sends to approvers."""

    host: str
    port: int
    security: SmtpSecurity
    sender: str
    user: str | None
    password: str | None


@dataclass(frozen=True)
class Webhook:
    """Where cards for approvers are posted. The URL is a secret: who has it may post."""

    url: str
    format: WebhookFormat


@dataclass(frozen=True)
class Approvals:
    """How approvers are reached. Without mail and webhook an operator hands out their links."""

    secret: str | None
    """Signs links and votes, at least 32 characters; None: nothing can be approved."""
    public_url: str | None
    """The app as approvers reach it; None: links can be made for a request alone, from its own URL."""
    smtp: Smtp | None
    webhook: Webhook | None

    def required_secret(self) -> str:
        """Raises `SettingsError`: ask before a run is started that needs approval."""
        if self.secret is None:
            raise SettingsError("setting APPROVAL_SECRET is missing: see local.settings.json.example")
        return self.secret


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
    chains: Mapping[Tier, Chain]
    prices: str | None
    """The path of a file with prices beside those of `murmuration/services/model/prices.toml`, or `free`."""
    embedding: Endpoint
    embedding_model: str
    embedding_dimensions: int
    artifacts_url: str
    memory_half_life_days: float
    """After so many days without use a memory counts half as much."""
    approvals: Approvals
    rate: Rate | None
    """How fast a tenant may start runs; None: as fast as it can."""
    active_runs: int | None
    """How many goals of a tenant may be worked on at once, the others wait; None: all."""
    tenant: str
    """Whose runs and memory these are, as long as callers carry no identity of their own."""


def settings_from(environment: Mapping[str, str], read_secret: ReadSecret) -> Settings:
    """Raises `SettingsError` for the first key that is missing or malformed.

    A value `keyvault:NAME` is the secret NAME of the vault at KEY_VAULT_URL.
    """
    read = Environment(environment, read_secret)
    model = Endpoint(read.url("MODEL_BASE_URL"), read.optional("MODEL_API_KEY"))
    standard = _chain(read, "MODEL_STANDARD", read.required("MODEL_STANDARD"), model)
    fast, reasoning = (read.optional(key) for key in ("MODEL_FAST", "MODEL_REASONING"))
    return Settings(
        search=Endpoint(read.url("AZURE_SEARCH_ENDPOINT"), read.optional("AZURE_SEARCH_API_KEY")),
        vector_weight=read.number("SEARCH_VECTOR_WEIGHT", default=1.0, low=0, high=10),
        semantic_ranker=read.one_of("SEARCH_SEMANTIC_RANKER", ("off", "on"), default="off") == "on",
        model=model,
        model_api=read.one_of("MODEL_API", get_args(ModelApi), default="responses"),
        chains={
            "fast": _chain(read, "MODEL_FAST", fast, model) if fast else standard,
            "standard": standard,
            "reasoning": _chain(read, "MODEL_REASONING", reasoning, model) if reasoning else standard,
        },
        prices=read.optional("MODEL_PRICES"),
        embedding=Endpoint(
            read.url("EMBEDDING_BASE_URL", default=model.url),
            read.optional("EMBEDDING_API_KEY") or model.key,
        ),
        embedding_model=read.required("EMBEDDING_MODEL"),
        embedding_dimensions=int(read.number("EMBEDDING_DIMENSIONS", default=None, low=8, high=4096)),
        artifacts_url=read.url("ARTIFACTS_URL", schemes=("file", "az", "abfs", "https")),
        memory_half_life_days=read.number("MEMORY_HALF_LIFE_DAYS", default=30, low=0.1, high=3650),
        approvals=_approvals(read),
        rate=_rate(read),
        active_runs=read.whole("MAX_ACTIVE_RUNS", low=1, high=10_000),
        tenant=read.optional("TENANT") or "default",
    )


def _rate(read: Environment) -> Rate | None:
    per_minute = read.whole("RATE_LIMIT_PER_MINUTE", low=1, high=1_000_000)
    burst = read.whole("RATE_LIMIT_BURST", low=1, high=1_000_000)
    if per_minute is None:
        if burst is not None:
            raise SettingsError(f"setting RATE_LIMIT_BURST is '{burst}', but RATE_LIMIT_PER_MINUTE is missing")
        return None
    return Rate(per_minute=per_minute, burst=burst or per_minute)


def _approvals(read: Environment) -> Approvals:
    secret = read.optional("APPROVAL_SECRET")
    if secret is not None and len(secret) < SECRET_CHARACTERS:
        raise SettingsError(f"setting APPROVAL_SECRET has {len(secret)} characters: at least {SECRET_CHARACTERS}")
    host = read.optional("WEBSITE_HOSTNAME")  # set by Azure
    public_url = read.url("PUBLIC_URL", default=f"https://{host}") if host or read.optional("PUBLIC_URL") else None
    webhook = None
    if read.optional("APPROVAL_WEBHOOK_URL"):
        url = read.secret_url("APPROVAL_WEBHOOK_URL")
        webhook = Webhook(url, read.one_of("APPROVAL_WEBHOOK_FORMAT", get_args(WebhookFormat), default="teams"))
    return Approvals(secret, public_url and public_url.rstrip("/"), _smtp(read), webhook)


def _smtp(read: Environment) -> Smtp | None:
    host = read.optional("SMTP_HOST")
    if host is None:
        return None
    security: SmtpSecurity = read.one_of("SMTP_SECURITY", get_args(SmtpSecurity), default="starttls")
    password = read.optional("SMTP_PASSWORD")
    if password is not None and security == "none":
        raise SettingsError("setting SMTP_SECURITY is 'none', but SMTP_PASSWORD is set: it would travel unprotected")
    sender = read.required("SMTP_FROM")
    if sender.count("@") != 1 or not sender.isprintable():
        raise SettingsError(f"setting SMTP_FROM is {sender!r}: not an e-mail address")
    return Smtp(
        host=host,
        port=int(read.number("SMTP_PORT", default=465 if security == "tls" else 587, low=1, high=65_535)),
        security=security,
        sender=sender,
        user=read.optional("SMTP_USER"),
        password=password,
    )


def _chain(read: Environment, key: str, text: str, default: Endpoint) -> Chain:
    """`text` is the value of `key`: links with commas between them; EXTRACTIVE may be the last."""
    *links, last = (link.strip() for link in text.split(","))
    extractive = last == EXTRACTIVE
    links = links if extractive else [*links, last]
    if not links or not all(links) or len(set(links)) < len(links) or EXTRACTIVE in links:
        raise SettingsError(
            f"setting {key} is {text!r}: not different deployments with commas between them, "
            f"the last of which may be {EXTRACTIVE!r}"
        )
    return Chain(tuple(_deployment(read, link, default) for link in links), extractive)


def _deployment(read: Environment, link: str, default: Endpoint) -> DeploymentSettings:
    name, _, place = link.rpartition("@")
    if not name or not _PLACE.fullmatch(place):
        return DeploymentSettings(link, link, default)
    key = f"MODEL_ENDPOINT_{place}"
    return DeploymentSettings(link, name, Endpoint(read.url(f"{key}_URL"), read.optional(f"{key}_KEY")))


@cache
def current_settings() -> Settings:
    """The settings of this process."""
    import os

    from murmuration.services.identity.secrets import read_secret

    return settings_from(os.environ, read_secret)
