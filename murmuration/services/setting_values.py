"""The values that settings are made of: their forms, and the groups of settings that belong together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr

from murmuration.services.errors import SettingsError

ModelApi = Literal["responses", "chat"]
WebhookFormat = Literal["teams", "slack"]
SmtpSecurity = Literal["starttls", "tls", "none"]

MIN_SECRET_CHARACTERS = 32
EXTRACTIVE = "extractive"
"""The last entry of a chain: an answer that no provider is asked for."""
_LABEL = re.compile(r"(.+)@([A-Z][A-Z0-9_]*)")
"""A deployment at a named endpoint. Another text after an @ is part of the model's name."""


def _http_url(value: str) -> str:
    return _url(value, ("http", "https"))


def _store_url(value: str) -> str:
    return _url(value, ("file", "az", "abfs", "https"))


def _url(value: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not (parts.netloc or parts.path):
        raise ValueError(f"use a URL with {' or '.join(schemes)}")
    return value


def _https_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if not parts.netloc or not (parts.scheme == "https" or (parts.scheme, parts.hostname) == ("http", "127.0.0.1")):
        raise ValueError("use a URL with https")
    return value


def _long_secret(value: SecretStr) -> SecretStr:
    if len(value) < MIN_SECRET_CHARACTERS:
        raise ValueError(f"use at least {MIN_SECRET_CHARACTERS} characters, not {len(value)}")
    return value


def _address(value: str) -> str:
    if value.count("@") != 1 or not value.isprintable():
        raise ValueError("use one e-mail address")
    return value


def _chain(value: str) -> tuple[str, ...]:
    labels = tuple(label.strip() for label in value.split(","))
    if labels[0] == EXTRACTIVE or not all(labels) or len(set(labels)) < len(labels) or EXTRACTIVE in labels[:-1]:
        raise ValueError(f"use different deployments with commas between them, the last of which may be {EXTRACTIVE!r}")
    return labels


HttpUrl = Annotated[str, AfterValidator(_http_url)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
SecretUrl = Annotated[SecretStr | None, AfterValidator(_https_url)]
"""An HTTPS URL; on loopback HTTP, too."""
SigningSecret = Annotated[SecretStr | None, AfterValidator(_long_secret)]
MailAddress = Annotated[str, AfterValidator(_address)]
ChainLabels = Annotated[tuple[str, ...], BeforeValidator(_chain)]
"""The entries of a chain of deployments, as the setting writes them: `name`, `name@ENDPOINT` or `extractive`."""


class Endpoint(BaseModel):
    """A service's URL, and the key to it."""

    model_config = ConfigDict(frozen=True)

    url: HttpUrl
    key: SecretStr | None = None
    """None: the app's managed identity, or whoever is logged in."""


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
    """The deployments of a tier: the first answers, or when it can't, the next."""

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
    password: SecretStr | None


@dataclass(frozen=True)
class Webhook:
    """The webhook that messages for approvers are posted to. Its URL is a secret: whoever has it may post."""

    url: SecretStr
    format: WebhookFormat


def chain(labels: Sequence[str], default: Endpoint, named: Mapping[str, Endpoint]) -> Chain:
    """The deployments of a tier; raises `SettingsError` for an endpoint that is not among the `named` ones."""
    extractive = labels[-1] == EXTRACTIVE
    return Chain(
        tuple(_deployment(label, default, named) for label in (labels[:-1] if extractive else labels)), extractive
    )


def _deployment(label: str, default: Endpoint, named: Mapping[str, Endpoint]) -> DeploymentSettings:
    match = _LABEL.fullmatch(label)
    if match is None:
        return DeploymentSettings(label, label, default)
    name, endpoint = match.groups()
    if endpoint not in named:
        raise SettingsError(f"setting MODEL_ENDPOINT_{endpoint}_URL is missing: {label!r} is written for it")
    return DeploymentSettings(label, name, named[endpoint])
