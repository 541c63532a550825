"""Settings are complete and well-formed, or every one that is not is named."""

import json
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr, ValidationError

from murmuration.contracts.admission import Rate
from murmuration.services.current import misspelt_variables
from murmuration.services.errors import SettingsError
from murmuration.services.misspelt_settings import misspelt_settings
from murmuration.services.setting_source import is_secret
from murmuration.services.setting_values import Chain, DeploymentSettings, Endpoint, Smtp, Webhook
from murmuration.services.settings import Settings, settings_from
from scripts import settings_docs

EXAMPLE: dict[str, str] = json.loads(Path("local.settings.json.example").read_text(encoding="utf-8"))["Values"]
REQUIRED = (
    "AZURE_SEARCH_ENDPOINT",
    "MODEL_BASE_URL",
    "MODEL_STANDARD",
    "EMBEDDING_MODEL",
    "EMBEDDING_DIMENSIONS",
    "ARTIFACTS_URL",
)
SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105


def no_secret(vault: str, name: str) -> str:
    raise AssertionError(f"nothing needs {name} of {vault}")


def read(**changes: str) -> Settings:
    return settings_from({**EXAMPLE, **changes}, no_secret)


def test_the_example_is_complete() -> None:
    settings = read()

    assert settings.search.url == "http://127.0.0.1:7072"
    offline = Chain((DeploymentSettings("offline", "offline", settings.model),))
    assert settings.chains == {"fast": offline, "standard": offline, "reasoning": offline}
    assert settings.embedding == settings.model
    assert settings.search_vector_weight == 0.01


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        read().tenant = "another"  # type: ignore[misc]


def test_an_app_that_only_asks_agents_and_people_needs_no_search_and_no_embeddings() -> None:
    needed = {key: EXAMPLE[key] for key in REQUIRED if not key.startswith(("AZURE_SEARCH", "EMBEDDING"))}

    settings = settings_from(needed, no_secret, search=False)

    assert settings.chains["fast"].deployments[0].name == "offline"
    with pytest.raises(SettingsError, match="setting AZURE_SEARCH_ENDPOINT is missing"):
        _ = settings.search
    with pytest.raises(SettingsError, match="EMBEDDING_DIMENSIONS is '3'"):
        settings_from({**needed, "EMBEDDING_DIMENSIONS": "3"}, no_secret, search=False)


@pytest.mark.parametrize("key", REQUIRED)
def test_a_missing_setting_is_named(key: str) -> None:
    with pytest.raises(SettingsError, match=f"setting {key} is missing"):
        read(**{key: " "})


def test_all_missing_and_malformed_settings_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        settings_from({"MODEL_API": "grpc", "SMTP_PORT": "many"}, no_secret)

    assert all(f"setting {key} is missing" in str(refused.value) for key in REQUIRED)
    assert "MODEL_API is 'grpc'" in str(refused.value)
    assert "SMTP_PORT is 'many'" in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("AZURE_SEARCH_ENDPOINT", "search.example"),
        ("MODEL_BASE_URL", "ftp://model.example"),
        ("EMBEDDING_BASE_URL", "model.example"),
        ("MODEL_ENDPOINT_WEST_URL", "west.example"),
        ("ARTIFACTS_URL", "/srv/files"),
        ("EMBEDDING_DIMENSIONS", "many"),
        ("EMBEDDING_DIMENSIONS", "0"),
        ("EMBEDDING_DIMENSIONS", "7"),
        ("EMBEDDING_DIMENSIONS", "4097"),
        ("SEARCH_VECTOR_WEIGHT", "-1"),
        ("SEARCH_VECTOR_WEIGHT", "10.1"),
        ("SEARCH_VECTOR_WEIGHT", "nan"),
        ("SEARCH_SEMANTIC_RANKER", "maybe"),
        ("MEMORY_HALF_LIFE_DAYS", "0"),
        ("MEMORY_HALF_LIFE_DAYS", "inf"),
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
    with pytest.raises(SettingsError, match=f"^setting {key} is '{value}'"):
        read(**{key: value})


def test_space_around_a_value_is_not_part_of_it() -> None:
    assert read(TENANT=" acme ").tenant == "acme"
    assert read(TENANT="  ").tenant == "default"


def test_a_tenant_is_limited_only_when_the_settings_say_so() -> None:
    assert (read().rate, read().max_active_runs) == (None, None)
    limited = read(RATE_LIMIT_PER_MINUTE="60", RATE_LIMIT_BURST="5", MAX_ACTIVE_RUNS="3")

    assert (limited.rate, limited.max_active_runs) == (Rate(per_minute=60, burst=5), 3)
    assert read(RATE_LIMIT_PER_MINUTE="60").rate == Rate(per_minute=60, burst=60)


def test_without_settings_for_them_approvals_have_no_secret_and_no_channel() -> None:
    settings = read(PUBLIC_URL="")

    assert (settings.smtp, settings.webhook, settings.app_url) == (None, None, None)
    with pytest.raises(SettingsError, match="setting APPROVAL_SECRET is missing: set it to at least 32 characters"):
        settings.required_approval_secret()


def test_the_ways_to_reach_approvers_are_read() -> None:
    settings = read(
        APPROVAL_SECRET=SECRET,
        PUBLIC_URL="https://app.example/",
        SMTP_HOST="mail.example",
        SMTP_FROM="app@example.com",
        SMTP_USER="app",
        SMTP_PASSWORD="pass",  # noqa: S106
        APPROVAL_WEBHOOK_URL="https://hooks.example/1",
        APPROVAL_WEBHOOK_FORMAT="slack",
    )

    assert (settings.required_approval_secret(), settings.app_url) == (SECRET, "https://app.example")
    assert settings.smtp == Smtp("mail.example", 587, "starttls", "app@example.com", "app", SecretStr("pass"))
    assert settings.webhook == Webhook(SecretStr("https://hooks.example/1"), "slack")


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 587)])
def test_the_port_of_a_mail_server_follows_from_its_encryption(security: str, port: int) -> None:
    changes = {"SMTP_HOST": "mail.example", "SMTP_FROM": "app@example.com", "SMTP_SECURITY": security}

    default, own = read(**changes).smtp, read(**changes, SMTP_PORT="2525").smtp

    assert default is not None
    assert own is not None
    assert (default.port, own.port) == (port, 2525)


def test_on_azure_the_app_knows_its_own_address() -> None:
    hostname = {"WEBSITE_HOSTNAME": "app.azurewebsites.net"}

    assert read(PUBLIC_URL="", **hostname).app_url == "https://app.azurewebsites.net"
    assert read(PUBLIC_URL="https://app.example", **hostname).app_url == "https://app.example"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"APPROVAL_SECRET": "canary"}, "setting APPROVAL_SECRET: use at least 32 characters, not 6"),
        ({"PUBLIC_URL": "app.example"}, "PUBLIC_URL is 'app.example': use a URL with http or https"),
        ({"SMTP_HOST": "mail.example"}, "SMTP_FROM is missing"),
        (
            {"SMTP_HOST": "mail.example", "SMTP_FROM": "a@b.example\nBcc: c@d.example"},
            "SMTP_FROM is 'a@b.example\\nBcc: c@d.example': use one e-mail address",
        ),
        ({"SMTP_HOST": "mail.example", "SMTP_FROM": "a@b.example", "SMTP_PORT": "0"}, "SMTP_PORT is '0'"),
        ({"SMTP_HOST": "mail.example", "SMTP_FROM": "a@b.example", "SMTP_SECURITY": "ssl"}, "SMTP_SECURITY is 'ssl'"),
        (
            {"SMTP_HOST": "m.example", "SMTP_FROM": "a@b.example", "SMTP_SECURITY": "none", "SMTP_PASSWORD": "canary"},
            "SMTP_SECURITY is 'none', but SMTP_PASSWORD is set",
        ),
        ({"APPROVAL_WEBHOOK_URL": "http://hooks.example/canary"}, "APPROVAL_WEBHOOK_URL: use a URL with https"),
        ({"APPROVAL_WEBHOOK_FORMAT": "irc"}, "APPROVAL_WEBHOOK_FORMAT is 'irc': it should be 'teams' or 'slack'"),
    ],
)
def test_the_ways_to_reach_approvers_are_checked_and_secrets_are_not_quoted(
    changes: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**changes)

    assert message in str(refused.value)
    assert "canary" not in str(refused.value)
    assert refused.value.__context__ is None, "the library's own error would quote it in a traceback"


def test_no_secret_is_shown_with_the_settings() -> None:
    secrets = [name for name, field in Settings.model_fields.items() if is_secret(field)]
    values = {name.upper(): f"https://canary.example/{name}/{SECRET}" for name in secrets}

    shown = repr(read(**values, MODEL_ENDPOINT_WEST_URL="https://west.example", MODEL_ENDPOINT_WEST_KEY="canary"))

    assert len(secrets) == 6
    assert "canary" not in shown


def test_every_key_and_password_is_a_secret() -> None:
    named = {name for name in Settings.model_fields if name.endswith(("_key", "_secret", "_password", "webhook_url"))}

    assert named == {name for name, field in Settings.model_fields.items() if is_secret(field)}
    assert SecretStr in get_args(Endpoint.model_fields["key"].annotation)


def test_a_chain_leads_through_deployments_and_endpoints_to_the_extractive_answer() -> None:
    settings = read(
        MODEL_STANDARD="gpt-5-mini, gpt-5-mini@WEST_2, m@2026, extractive",
        MODEL_FAST="nano@WEST_2",
        MODEL_ENDPOINT_WEST_2_URL="https://west.example/openai/v1/",
        MODEL_ENDPOINT_WEST_2_KEY="k",
    )

    west = Endpoint(url="https://west.example/openai/v1/", key=SecretStr("k"))
    assert settings.chains["standard"] == Chain(
        (
            DeploymentSettings("gpt-5-mini", "gpt-5-mini", settings.model),
            DeploymentSettings("gpt-5-mini@WEST_2", "gpt-5-mini", west),
            DeploymentSettings("m@2026", "m@2026", settings.model),
        ),
        extractive=True,
    )
    assert settings.chains["fast"] == Chain((DeploymentSettings("nano@WEST_2", "nano", west),))
    assert settings.chains["reasoning"] == settings.chains["standard"]


@pytest.mark.parametrize("chain", ["a,,b", "a,a", ",", "extractive", "extractive,a", "a,extractive,b"])
def test_a_malformed_chain_is_named_and_quoted(chain: str) -> None:
    with pytest.raises(SettingsError, match=f"setting MODEL_REASONING is '{chain}'"):
        read(MODEL_REASONING=chain)


@pytest.mark.parametrize("changes", [{"MODEL_STANDARD": "m@EAST"}, {"MODEL_ENDPOINT_EAST_KEY": "canary"}])
def test_an_endpoint_without_its_url_is_named(changes: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="setting MODEL_ENDPOINT_EAST_URL is missing"):
        read(**changes)


def test_a_reference_into_key_vault_is_resolved() -> None:
    requests: list[tuple[str, str]] = []

    def read_secret(vault: str, name: str) -> str:
        requests.append((vault, name))
        return "s3cret"

    environment = {**EXAMPLE, "MODEL_API_KEY": "keyvault:model-key", "KEY_VAULT_URL": "https://v.example"}
    settings = settings_from(environment, read_secret)

    assert settings.model.key == SecretStr("s3cret")
    assert requests == [("https://v.example", "model-key")]


def test_a_malformed_value_from_key_vault_is_named_by_its_reference() -> None:
    environment = {**EXAMPLE, "MODEL_BASE_URL": "keyvault:url", "KEY_VAULT_URL": "https://v.example"}

    with pytest.raises(SettingsError) as refused:
        settings_from(environment, lambda vault, name: "canary")

    assert "setting MODEL_BASE_URL is 'keyvault:url': use a URL" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_reference_without_a_vault_names_the_missing_setting() -> None:
    with pytest.raises(SettingsError, match=r"MODEL_API_KEY is 'keyvault:k'.*KEY_VAULT_URL is missing"):
        read(MODEL_API_KEY="keyvault:k")


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("MODEL_STANDRAD", "MODEL_STANDARD"),
        ("APPROVAL_SECERT", "APPROVAL_SECRET"),
        ("AZURE_SEARCH_KEY", "AZURE_SEARCH_API_KEY"),
        ("EMBEDDING_DIMENSION", "EMBEDDING_DIMENSIONS"),
        ("KEYVAULT_URL", "KEY_VAULT_URL"),
    ],
)
def test_a_misspelt_setting_is_found_by_its_likeness(name: str, setting: str) -> None:
    assert misspelt_settings([name, *EXAMPLE]) == {name: setting}


def test_the_names_of_other_programs_are_not_taken_for_settings() -> None:
    others = (
        "PATH", "HOME", "AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME", "AZURE_TENANT_ID", "SMTP_SERVER",
        "AZURE_STORAGE_ACCOUNT_NAME", "MODEL_NAME", "WEBSITE_SITE_NAME", "MODEL_ENDPOINT_WEST_KEY",
    )  # fmt: skip

    assert misspelt_settings(others) == {}


def test_the_page_and_the_example_are_those_that_the_settings_make() -> None:
    assert settings_docs.main(["--check"]) == 0


def test_an_outdated_page_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "docs").mkdir()
    written = settings_docs.main([], tmp_path)
    (tmp_path / "docs" / "settings.md").write_text("# Settings", encoding="utf-8")

    assert (written, settings_docs.main(["--check"], tmp_path)) == (0, 1)
    assert capsys.readouterr().err == "docs/settings.md is outdated: run python -m scripts.settings_docs\n"
    assert (tmp_path / "docs" / "settings.md").read_text(encoding="utf-8") == "# Settings"


def test_every_setting_is_described_and_in_the_example() -> None:
    shown = [name for name in Settings.model_fields if name not in ("website_hostname", "model_endpoint")]

    assert {name.upper() for name in shown} | set(settings_docs.FUNCTIONS_SETTINGS) == set(EXAMPLE)
    assert all(field.description for field in Settings.model_fields.values())


def test_a_variable_of_the_process_that_looks_misspelt_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPROVAL_SECERT", "canary")

    assert misspelt_variables() == ["APPROVAL_SECERT is no setting; did you mean APPROVAL_SECRET?"]
