"""Settings are complete and well-formed, or the first key that is not is named."""

import json
from pathlib import Path

import pytest

from services.errors import SettingsError
from services.settings import Settings, settings_from

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
    assert settings.models == {"fast": "offline", "standard": "offline", "reasoning": "offline"}
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
    ],
)
def test_a_malformed_setting_is_named_and_quoted(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"setting {key} is '{value}'"):
        read(**{key: value})


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
