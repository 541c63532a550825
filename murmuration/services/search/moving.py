"""Moves rows from the indexes of one embedding model to those of another: read, embed anew, write."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from murmuration.services.clients import Clients, search_credential
from murmuration.services.model.model import Model
from murmuration.services.search.filters import quoted
from murmuration.services.search.indexes import KNOWLEDGE, MEMORY, definitions, index_name
from murmuration.services.search.rows import embedded_text, path_words
from murmuration.services.search.store import SEARCH_OPTIONS, Row, SearchIndexStore, translated
from murmuration.services.settings import Settings
from murmuration.services.step_context import StepContext

if TYPE_CHECKING:
    from azure.search.documents.aio import SearchClient

PAGE = 200


@dataclass(frozen=True)
class EmbeddingModel:
    """By which model vectors were made, and how many numbers they have."""

    model: str
    dimensions: int

    def __str__(self) -> str:
        return f"{self.model}:{self.dimensions}"


async def move(settings: Settings, origin: EmbeddingModel) -> dict[str, int]:
    """Write what the other model's indexes have and these have not; returns how many rows, by kind.

    What was stopped half way goes on where it was. Raises `StepError`.
    """
    clients = Clients(settings)
    model = clients.model(StepContext(last_attempt=True))
    target = EmbeddingModel(settings.embedding_model, settings.embedding_dimensions)
    try:
        return {kind: await _moved(settings, kind, origin, target, model) for kind in (KNOWLEDGE, MEMORY)}
    finally:
        await clients.close()


async def _moved(settings: Settings, kind: str, origin: EmbeddingModel, target: EmbeddingModel, model: Model) -> int:
    definition = definitions(target.model, target.dimensions)[kind]
    fields = [field.name for field in definition.fields if not field.hidden]
    async with _client(settings, kind, origin) as old, _client(settings, kind, target) as new:
        store = SearchIndexStore(new, settings.search_vector_weight)
        count, last = 0, ""
        while rows := await _read(old, f"id gt {quoted(last)}", fields):
            last = rows[-1]["id"]
            there = {row["id"] for row in await _read(new, _among(rows), ["id"])}
            missing = [row for row in rows if row["id"] not in there]
            vectors = await model.embed([embedded_text(kind, row) for row in missing]) if missing else []
            await store.write([_row(kind, *each) for each in zip(missing, vectors, strict=True)])
            count += len(missing)
        return count


async def _read(client: "SearchClient", condition: str, fields: Sequence[str]) -> list[Row]:
    """A page of rows by id, whoever's they are."""
    with translated():
        found = await client.search(
            search_text="*", filter=condition, order_by=["id asc"], top=PAGE, select=list(fields), **SEARCH_OPTIONS
        )
        return [dict(row) async for row in found]


def _among(rows: Sequence[Row]) -> str:
    ids = ",".join(row["id"] for row in rows)
    return f"search.in(id, {quoted(ids)})"


def _row(kind: str, row: Row, vector: Sequence[float]) -> Row:
    moved = {name: value for name, value in row.items() if not name.startswith("@")}
    if kind == KNOWLEDGE:
        moved["path"] = path_words(row["source"])  # can be searched, not read
    return {**moved, "lacks": "", "vector": list(vector)}


def _client(settings: Settings, kind: str, made: EmbeddingModel) -> Any:
    from azure.search.documents.aio import SearchClient

    name = index_name(kind, made.model, made.dimensions)
    return SearchClient(settings.search.url, name, search_credential(settings.search, asynchronous=True))
