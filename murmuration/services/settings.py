"""The settings: one frozen class, read once from the environment. Nothing else reads the environment.

A field's name is the setting's name in lower case. `python -m scripts.settings_docs` makes `docs/settings.md` and
`local.settings.json.example` from the descriptions and examples below. The file is long because every setting has its
row here.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from murmuration.agents.loader import Tier
from murmuration.contracts.admission import Rate
from murmuration.contracts.runs import DEFAULT_TENANT
from murmuration.services.errors import SettingsError
from murmuration.services.setting_source import EnvironmentSource, ReadSecret, explain
from murmuration.services.setting_values import (
    MIN_SECRET_CHARACTERS,
    Chain,
    ChainLabels,
    Endpoint,
    HttpUrl,
    MailAddress,
    ModelApi,
    SecretUrl,
    SigningSecret,
    Smtp,
    SmtpSecurity,
    StoreUrl,
    Webhook,
    WebhookFormat,
    chain,
)

SEARCH_SETTINGS = ("azure_search_endpoint", "embedding_model", "embedding_dimensions")
"""Settings that an app can do without when it only asks agents and people. They have no useful default."""


class Settings(BaseSettings):
    """The app's settings, and what follows from them."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False)

    azure_search_endpoint: HttpUrl = Field(
        default="", description="URL of the Azure AI Search service.", examples=["http://127.0.0.1:7072"]
    )
    azure_search_api_key: SecretStr | None = Field(
        default=None,
        description="Key of the search service. Without it the app's managed identity, or your login, is used.",
        examples=["local"],
    )
    search_vector_weight: float = Field(
        default=1,
        ge=0,
        le=10,
        description="Weight of the ranking by vectors in hybrid search, 0 to 10; the ranking by words weighs 1.",
        examples=["0.01"],
    )
    search_semantic_ranker: Literal["off", "on"] = Field(
        default="off",
        description="`on`: the service's semantic ranker, which it bills by query, orders the passages.",
    )
    memory_half_life_days: float = Field(
        default=30,
        ge=0.1,
        le=3650,
        description="After so many days without use a memory counts half as much.",
    )
    model_base_url: HttpUrl = Field(
        description="URL of an OpenAI-compatible API, with its `/v1/`.", examples=["http://127.0.0.1:7073/v1/"]
    )
    model_api_key: SecretStr | None = Field(
        default=None,
        description="Key of that API. Without it the app's managed identity, or your login, is used.",
        examples=["local"],
    )
    model_api: ModelApi = Field(
        default="responses",
        description="`responses`, or `chat` for a server that has only chat completions.",
    )
    model_standard: ChainLabels = Field(
        description="Deployment (Azure) or model for agents of the tier `standard`; or a "
        "[chain](models.md#tiers-and-fallback), such as `gpt-5-mini, gpt-5-mini@WEST, extractive`.",
        examples=["offline"],
    )
    model_fast: ChainLabels | None = Field(
        default=None, description="The same for the tier `fast`. Without it `MODEL_STANDARD` is used."
    )
    model_reasoning: ChainLabels | None = Field(
        default=None, description="The same for the tier `reasoning`. Without it `MODEL_STANDARD` is used."
    )
    model_endpoint: Mapping[str, Endpoint] = Field(
        default={},
        title="MODEL_ENDPOINT_NAME_URL, MODEL_ENDPOINT_NAME_KEY",
        description="Another endpoint for the models of a chain that are written `model@NAME`, such as "
        "`MODEL_ENDPOINT_WEST_URL`; and its secret key, unless the app's managed identity, or your login, is used.",
    )
    model_prices: str | None = Field(
        default=None,
        description="Path of a file with [prices](models.md#prices) that add to the table that comes with the app; "
        "or `free`.",
    )
    embedding_base_url: HttpUrl | None = Field(
        default=None, description="URL of the API for embeddings. Without it `MODEL_BASE_URL` is used."
    )
    embedding_api_key: SecretStr | None = Field(
        default=None, description="Key of that API. Without it `MODEL_API_KEY` is used."
    )
    embedding_model: str = Field(
        default="", description="Deployment or model that embeds texts.", examples=["local-hash"]
    )
    embedding_dimensions: int = Field(
        default=0, ge=8, le=4096, description="Length of its vectors, 8 to 4096.", examples=["384"]
    )
    artifacts_url: StoreUrl = Field(
        description="Where large texts are stored: `file:///path`, or `az://container` with "
        "`AZURE_STORAGE_ACCOUNT_NAME`.",
        examples=["file:///path/to/a/folder"],
    )
    key_vault_url: HttpUrl | None = Field(
        default=None,
        description="URL of the Key Vault that holds the secrets: any setting may be `keyvault:NAME` instead of its "
        "value.",
    )
    tenant: str = Field(
        default=DEFAULT_TENANT,
        description="Tenant that runs and memories belong to, as long as callers have no identity of their own.",
    )
    rate_limit_per_minute: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="How many runs a minute a tenant may start. Without it there is no limit.",
    )
    rate_limit_burst: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="How many of them at once. Without it as many as in a minute.",
    )
    max_active_runs: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="How many goals of a tenant are worked on at once; others wait. Without it there is no limit.",
    )
    approval_secret: SigningSecret = Field(
        default=None,
        description=f"Signs the links and votes of approvers; at least {MIN_SECRET_CHARACTERS} characters. A new "
        "secret makes the links that were sent worthless.",
    )
    public_url: HttpUrl | None = Field(
        default=None,
        description="URL at which approvers reach the app. On Azure the app's host name unless set.",
        examples=["http://127.0.0.1:7071"],
    )
    website_hostname: str | None = Field(default=None, description="The app's host name. Azure sets it.")
    approval_webhook_url: SecretUrl = Field(
        default=None, description="URL of a webhook that tells approvers; whoever has it may post."
    )
    approval_webhook_format: WebhookFormat = Field(
        default="teams",
        description="`teams` (Adaptive Cards) or `slack`.",
    )
    smtp_host: str | None = Field(default=None, description="Mail server that tells approvers.")
    smtp_from: MailAddress | None = Field(default=None, description="Sender of these mails.")
    smtp_security: SmtpSecurity = Field(
        default="starttls", description="`starttls`, `tls`, or `none`, which takes no password."
    )
    smtp_port: int | None = Field(
        default=None, ge=1, le=65_535, description="Port of the mail server. Without it 587, or 465 with `tls`."
    )
    smtp_user: str | None = Field(default=None, description="Login at the mail server, if it wants one.")
    smtp_password: SecretStr | None = Field(default=None, description="Password of that login.")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        """Raise `SettingsError` for settings that need or exclude each other."""
        if self.rate_limit_burst is not None and self.rate_limit_per_minute is None:
            raise SettingsError(
                f"setting RATE_LIMIT_BURST is '{self.rate_limit_burst}', but RATE_LIMIT_PER_MINUTE is missing"
            )
        if self.smtp_host is not None and self.smtp_from is None:
            raise SettingsError("setting SMTP_FROM is missing: SMTP_HOST needs a sender")
        if self.smtp_host is not None and self.smtp_security == "none" and self.smtp_password is not None:
            raise SettingsError(
                "setting SMTP_SECURITY is 'none', but SMTP_PASSWORD is set: it would travel unprotected"
            )
        _ = self.chains  # raises for an endpoint that is missing
        return self

    @property
    def search(self) -> Endpoint:
        """The search service; raises `SettingsError` in an app that has none."""
        if not self.azure_search_endpoint:
            raise SettingsError("setting AZURE_SEARCH_ENDPOINT is missing: see docs/settings.md")
        return Endpoint(url=self.azure_search_endpoint, key=self.azure_search_api_key)

    @property
    def model(self) -> Endpoint:
        return Endpoint(url=self.model_base_url, key=self.model_api_key)

    @property
    def embedding(self) -> Endpoint:
        return Endpoint(
            url=self.embedding_base_url or self.model_base_url, key=self.embedding_api_key or self.model_api_key
        )

    @cached_property
    def chains(self) -> Mapping[Tier, Chain]:
        """The deployments of each tier."""
        labels: dict[Tier, tuple[str, ...] | None] = {
            "fast": self.model_fast,
            "standard": self.model_standard,
            "reasoning": self.model_reasoning,
        }
        return {
            tier: chain(own or self.model_standard, self.model, self.model_endpoint) for tier, own in labels.items()
        }

    @property
    def rate(self) -> Rate | None:
        """How fast a tenant may start runs; None: there is no limit."""
        if self.rate_limit_per_minute is None:
            return None
        return Rate(per_minute=self.rate_limit_per_minute, burst=self.rate_limit_burst or self.rate_limit_per_minute)

    @property
    def app_url(self) -> str | None:
        """The app as approvers reach it; None: only a request's own URL leads to it."""
        own = f"https://{self.website_hostname}" if self.website_hostname else None
        url = self.public_url or own
        return url and url.rstrip("/")

    def required_approval_secret(self) -> str:
        """The secret that signs links and votes; raises `SettingsError`: get it before a run starts that needs it."""
        if self.approval_secret is None:
            raise SettingsError(
                f"setting APPROVAL_SECRET is missing: set it to at least {MIN_SECRET_CHARACTERS} characters"
            )
        return self.approval_secret.get_secret_value()

    @property
    def smtp(self) -> Smtp | None:
        if self.smtp_host is None or self.smtp_from is None:
            return None
        port = self.smtp_port or (465 if self.smtp_security == "tls" else 587)
        return Smtp(self.smtp_host, port, self.smtp_security, self.smtp_from, self.smtp_user, self.smtp_password)

    @property
    def webhook(self) -> Webhook | None:
        if self.approval_webhook_url is None:
            return None
        return Webhook(self.approval_webhook_url, self.approval_webhook_format)


def settings_from(environment: Mapping[str, str], read_secret: ReadSecret, *, search: bool = True) -> Settings:
    """Read the settings in `environment`; raises `SettingsError` for those that are missing or malformed.

    `search`: whether those of `SEARCH_SETTINGS` must be there.
    """
    source = EnvironmentSource(Settings, environment, read_secret)
    missing = [name.upper() for name in SEARCH_SETTINGS if search and not environment.get(name.upper(), "").strip()]
    problems = [f"setting {key} is missing: see docs/settings.md" for key in missing]
    try:
        settings = Settings(_build_sources=((source,), {}))
    except ValidationError as error:
        problems.append(explain(error, Settings, environment))
    if problems:
        raise SettingsError("; ".join(problems))
    return settings
