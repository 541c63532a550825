"""Every model that a run may use has a price before the run starts."""

import json
from pathlib import Path

import pytest

from murmuration.contracts.prices import Price
from murmuration.services.errors import SettingsError
from murmuration.services.model.prices import prices_for
from murmuration.services.settings import Settings, settings_from

EXAMPLE: dict[str, str] = json.loads(Path("local.settings.json.example").read_text(encoding="utf-8"))["Values"]
MINI = Price(input=250_000, cached_input=25_000, output=2_000_000)


def settings_with(**changes: str) -> Settings:
    return settings_from(
        {**EXAMPLE, "MODEL_ENDPOINT_WEST_URL": "http://west.example", **changes}, lambda vault, name: ""
    )


def test_the_local_cloud_costs_nothing() -> None:
    assert prices_for(settings_with()).models == {"offline": Price(), "local-hash": Price()}


def test_the_table_holds_the_models_of_the_settings_by_the_settings_names() -> None:
    settings = settings_with(
        MODEL_STANDARD="gpt-5-mini-2025-08-07, openai/GPT-5-mini@WEST, extractive",
        MODEL_FAST="gpt-5-nano",
        EMBEDDING_MODEL="text-embedding-3-small",
    )

    table = prices_for(settings)

    assert table.models == {
        "gpt-5-mini-2025-08-07": MINI,
        "openai/GPT-5-mini": MINI,
        "gpt-5-nano": Price(input=50_000, cached_input=5_000, output=400_000),
        "text-embedding-3-small": Price(embedding=20_000),
    }
    assert table.date.startswith("20")


@pytest.mark.parametrize("key", ["MODEL_STANDARD", "MODEL_FAST", "MODEL_REASONING", "EMBEDDING_MODEL"])
def test_a_model_without_a_price_is_named_with_its_setting(key: str) -> None:
    with pytest.raises(SettingsError, match=f"setting {key} names the model 'chat-prod', which has no price"):
        prices_for(settings_with(**{key: "chat-prod"}))


def test_a_model_without_a_price_may_be_declared_free() -> None:
    models = prices_for(settings_with(MODEL_STANDARD="llama", MODEL_FAST="gpt-5-mini", MODEL_PRICES="free")).models

    assert models["llama"] == Price()
    assert models["gpt-5-mini"] == MINI, "a known price stays"


def test_a_file_adds_prices_and_replaces_them(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(
        'date = 2026-01-02\n[models]\n"chat-prod" = { input = 1, cached_input = 0.5, output = 0.000001 }\n'
        '"gpt-5" = { input = 3, cached_input = 3, output = 3 }\n'
    )

    table = prices_for(settings_with(MODEL_STANDARD="chat-prod, gpt-5", MODEL_PRICES=str(own)))

    assert table.date == "2026-01-02"
    assert table.models["chat-prod"] == Price(input=1_000_000, cached_input=500_000, output=1)
    assert table.models["gpt-5"].input == 3_000_000
    assert table.models["local-hash"] == Price()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("date = ", "Invalid value"),
        ("[models]", "date: Field required"),
        ("date = 2026-01-02\n[models]\nm = { input = -1, cached_input = 0, output = 0 }", r"models\.m.*-1"),
        ("date = 2026-01-02\n[models]\nm = { input = 1 }", r"models\.m"),
    ],
)
def test_a_malformed_file_is_named_with_the_reason(tmp_path: Path, content: str, reason: str) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(content)

    with pytest.raises(SettingsError, match=f"setting MODEL_PRICES is .*prices.toml.*: {reason}"):
        prices_for(settings_with(MODEL_PRICES=str(own)))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SettingsError, match=r"setting MODEL_PRICES is 'nowhere\.toml': the file can't be read"):
        prices_for(settings_with(MODEL_PRICES="nowhere.toml"))
