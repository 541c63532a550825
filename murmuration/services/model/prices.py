"""The prices of the models that the settings name, from `prices.toml` and the setting MODEL_PRICES."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from murmuration.contracts.prices import Price, PriceTable
from murmuration.services.errors import SettingsError

if TYPE_CHECKING:
    from murmuration.agents.loader import Tier
    from murmuration.services.settings import Settings

TABLE = Path(__file__).with_name("prices.toml")
FREE = "free"
"""The value of MODEL_PRICES by which models without a price cost nothing."""
MICRO_DOLLARS = 1_000_000
TIERS: "tuple[Tier, ...]" = ("standard", "fast", "reasoning")
"""Standard comes first: a tier that is not set falls back to it, so a missing price is reported for MODEL_STANDARD."""
_DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")

_Dollars = Annotated[Decimal, Field(ge=0, le=100_000)]


class _ModelRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    input: _Dollars
    cached_input: _Dollars
    output: _Dollars


class _EmbeddingRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    embedding: _Dollars


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    date: date
    source: str = ""
    models: dict[str, _ModelRow | _EmbeddingRow]


def prices_for(settings: "Settings") -> PriceTable:
    """Return the prices of every model that a run may use; raises `SettingsError` that names the one without.

    A model's date at the end and maker before it don't count: gpt-5-mini-2025-08-07 and openai/gpt-5-mini are
    gpt-5-mini.
    """
    builtin = _read(TABLE)
    own = None if settings.model_prices in (None, FREE) else _read(Path(str(settings.model_prices)))
    rows = {**builtin.models, **(own.models if own else {})}
    prices: dict[str, Price] = {}
    for key, model in _models(settings):
        row = _row(rows, model)
        if row is None and settings.model_prices != FREE:
            raise SettingsError(
                f"setting {key} names the model {model!r}, which has no price: "
                f"give it one in a file and set MODEL_PRICES to its path, or MODEL_PRICES to {FREE!r}"
            )
        prices[model] = _in_micro_dollars(row)
    return PriceTable(date=(own or builtin).date.isoformat(), models=prices)


def _models(settings: "Settings") -> list[tuple[str, str]]:
    """Return each setting that names a model, and the model."""
    return [
        *(
            (f"MODEL_{tier.upper()}", deployment.name)
            for tier in TIERS
            for deployment in settings.chains[tier].deployments
        ),
        *([("EMBEDDING_MODEL", settings.embedding_model)] if settings.embedding_model else []),
    ]


def _row(rows: Mapping[str, _ModelRow | _EmbeddingRow], model: str) -> _ModelRow | _EmbeddingRow | None:
    bare = model.rpartition("/")[2].lower()
    return next((rows[name] for name in (model, bare, _DATED.sub("", bare)) if name in rows), None)


def _in_micro_dollars(row: _ModelRow | _EmbeddingRow | None) -> Price:
    return Price.model_validate({kind: round(dollars * MICRO_DOLLARS) for kind, dollars in row or ()})


@cache
def _read(path: Path) -> _Table:
    try:
        return _Table.model_validate(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))
    except OSError as error:
        raise SettingsError(f"setting MODEL_PRICES is {str(path)!r}: the file can't be read") from error
    except (ValueError, ValidationError) as error:
        raise SettingsError(f"setting MODEL_PRICES is {str(path)!r}: {_reason(error)}") from error


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']} (got {str(first['input'])[:100]!r})"
