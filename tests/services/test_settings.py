"""Settings are complete and well-formed, or the first key that is not is named."""

import json
from pathlib import Path

import pytest

from murmuration.contracts.admission import Rate
from murmuration.services.errors import SettingsError
from murmuration.services.settings import Chain, DeploymentSettings, Endpoint, Settings, Smtp, Webhook, settings_from

EXAMPLE: dict[str, str] = json.loads(Path("local.settings.json.example").read_text(encoding="utf-8"))["Values"]
REQUIRED = (
    "AZURE_SEARCH_ENDPOINT",
    "MODEL_BASE_URL",
    "MODEL_STANDARD",
    "EMBEDDING_MODEL",
    "EMBEDDING_DIMENSIONS",
    "ARTIFACTS_URL",
)


def no_secret(vault: str, name: str) -> str:
    raise AssertionError(f"nothing asks for {name} of {vault}")


def read(**changes: str) -> Settings:
    return settings_from({**EXAMPLE, **changes}, no_secret)


def test_the_example_is_complete() -> None:
    settings = read()

    assert settings.search.url == "http://127.0.0.1:7072"
    offline = Chain((DeploymentSettings("offline", "offline", settings.model),))
    assert settings.chains == {"fast": offline, "standard": offline, "reasoning": offline}
    assert settings.embedding == settings.model
    assert settings.vector_weight == 0.01


@pytest.mark.parametrize("key", REQUIRED)
def test_a_missing_setting_is_named(key: str) -> None:
    with pytest.raises(SettingsError, match=f"setting {key} is missing"):
        read(**{key: " "})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("AZURE_SEARCH_ENDPOINT", "search.example"),
        ("MODEL_BASE_URL", "ftp://model.example"),
        ("ARTIFACTS_URL", "/srv/files"),
        ("EMBEDDING_DIMENSIONS", "many"),
        ("EMBEDDING_DIMENSIONS", "0"),
        ("SEARCH_VECTOR_WEIGHT", "-1"),
        ("SEARCH_VECTOR_WEIGHT", "nan"),
        ("MEMORY_HALF_LIFE_DAYS", "0"),
        ("MODEL_API", "grpc"),
        ("RATE_LIMIT_PER_MINUTE", "0"),
        ("RATE_LIMIT_PER_MINUTE", "many"),
        ("RATE_LIMIT_BURST", "1.5"),
        ("RATE_LIMIT_BURST", "10"),
        ("MAX_ACTIVE_RUNS", "-1"),
        ("MAX_ACTIVE_RUNS", "²"),
    ],
)
def test_a_malformed_setting_is_named_and_quoted(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"setting {key} is '{value}'"):
        read(**{key: value})


def test_a_tenant_is_limited_only_when_the_settings_say_so() -> None:
    assert (read().rate, read().active_runs) == (None, None)
    limited = read(RATE_LIMIT_PER_MINUTE="60", RATE_LIMIT_BURST="5", MAX_ACTIVE_RUNS="3")

    assert (limited.rate, limited.active_runs) == (Rate(per_minute=60, burst=5), 3)
    assert read(RATE_LIMIT_PER_MINUTE="60").rate == Rate(per_minute=60, burst=60)


SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105


def test_without_settings_for_them_approvals_have_no_secret_and_no_channel() -> None:
    approvals = read(PUBLIC_URL="").approvals

    assert (approvals.smtp, approvals.webhook, approvals.public_url) == (None, None, None)
    with pytest.raises(SettingsError, match="setting APPROVAL_SECRET is missing"):
        approvals.required_secret()


def test_what_reaches_approvers_is_read() -> None:
    approvals = read(
        APPROVAL_SECRET=SECRET,
        PUBLIC_URL="https://app.example/",
        SMTP_HOST="mail.example",
        SMTP_FROM="app@example.com",
        SMTP_USER="app",
        SMTP_PASSWORD="pass",  # noqa: S106
        APPROVAL_WEBHOOK_URL="https://hooks.example/1",
        APPROVAL_WEBHOOK_FORMAT="slack",
    ).approvals

    assert (approvals.required_secret(), approvals.public_url) == (SECRET, "https://app.example")
    assert approvals.smtp == Smtp("mail.example", 587, "starttls", "app@example.com", "app", "pass")
    assert approvals.webhook == Webhook("https://hooks.example/1", "slack")


def test_on_azure_the_app_knows_its_own_address() -> None:
    assert read(PUBLIC_URL="", WEBSITE_HOSTNAME="app.azurewebsites.net").approvals.public_url == (
        "https://app.azurewebsites.net"
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"APPROVAL_SECRET": "short"}, "APPROVAL_SECRET has 5 characters: at least 32"),
        ({"PUBLIC_URL": "app.example"}, "PUBLIC_URL is 'app.example'"),
        ({"SMTP_HOST": "mail.example"}, "SMTP_FROM is missing"),
        (
            {"SMTP_HOST": "mail.example", "SMTP_FROM": "a@b.example\nBcc: c@d.example"},
            "SMTP_FROM is 'a@b.example\\nBcc",
        ),
        ({"SMTP_HOST": "mail.example", "SMTP_FROM": "a@b.example", "SMTP_PORT": "0"}, "SMTP_PORT is '0'"),
        ({"SMTP_HOST": "mail.example", "SMTP_FROM": "a@b.example", "SMTP_SECURITY": "ssl"}, "SMTP_SECURITY is 'ssl'"),
        (
            {"SMTP_HOST": "m.example", "SMTP_FROM": "a@b.example", "SMTP_SECURITY": "none", "SMTP_PASSWORD": "canary"},
            "SMTP_SECURITY is 'none', but SMTP_PASSWORD is set",
        ),
        ({"APPROVAL_WEBHOOK_URL": "http://hooks.example/canary"}, "APPROVAL_WEBHOOK_URL is not a URL with https"),
        (
            {"APPROVAL_WEBHOOK_URL": "https://hooks.example/1", "APPROVAL_WEBHOOK_FORMAT": "irc"},
            "APPROVAL_WEBHOOK_FORMAT is 'irc': use teams or slack",
        ),
    ],
)
def test_how_approvers_are_reached_is_checked_and_secrets_are_not_quoted(changes: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**changes)

    assert says in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_chain_leads_through_deployments_and_endpoints_to_the_extractive_answer() -> None:
    settings = read(
        MODEL_STANDARD="gpt-5-mini, gpt-5-mini@WEST, m@2026, extractive",
        MODEL_FAST="nano@WEST",
        MODEL_ENDPOINT_WEST_URL="https://west.example/openai/v1/",
        MODEL_ENDPOINT_WEST_KEY="k",
    )

    west = Endpoint("https://west.example/openai/v1/", "k")
    assert settings.chains["standard"] == Chain(
        (
            DeploymentSettings("gpt-5-mini", "gpt-5-mini", settings.model),
            DeploymentSettings("gpt-5-mini@WEST", "gpt-5-mini", west),
            DeploymentSettings("m@2026", "m@2026", settings.model),
        ),
        extractive=True,
    )
    assert settings.chains["fast"] == Chain((DeploymentSettings("nano@WEST", "nano", west),))
    assert settings.chains["reasoning"] == settings.chains["standard"]
    assert "'k'" not in repr(settings), "a key is not shown with the settings"


@pytest.mark.parametrize("chain", ["a,,b", "a,a", ",", "extractive", "extractive,a", "a,extractive,b"])
def test_a_chain_that_is_none_is_named_and_quoted(chain: str) -> None:
    with pytest.raises(SettingsError, match=f"setting MODEL_REASONING is '{chain}'"):
        read(MODEL_REASONING=chain)


def test_an_endpoint_that_is_not_described_is_named() -> None:
    with pytest.raises(SettingsError, match="setting MODEL_ENDPOINT_EAST_URL is missing"):
        read(MODEL_STANDARD="m@EAST")


def test_a_reference_into_key_vault_is_resolved() -> None:
    asked: list[tuple[str, str]] = []

    def read_secret(vault: str, name: str) -> str:
        asked.append((vault, name))
        return "s3cret"

    environment = {**EXAMPLE, "MODEL_API_KEY": "keyvault:model-key", "KEY_VAULT_URL": "https://v.example"}
    settings = settings_from(environment, read_secret)

    assert settings.model.key == "s3cret"
    assert asked == [("https://v.example", "model-key")]


def test_a_reference_without_a_vault_names_what_is_missing() -> None:
    with pytest.raises(SettingsError, match=r"MODEL_API_KEY is 'keyvault:k'.*KEY_VAULT_URL is missing"):
        read(MODEL_API_KEY="keyvault:k")
