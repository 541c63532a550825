"""Creates the indexes, deletes those of another embedding model, and moves rows between two models."""

from collections.abc import Sequence
from dataclasses import dataclass

from azure.search.documents.aio import SearchClient

from murmuration.services.clients import Clients, search_client, search_index_client
from murmuration.services.errors import SettingsError
from murmuration.services.model.model import Model
from murmuration.services.search.azure_search import AzureSearchIndex, rows_by_id
from murmuration.services.search.definitions import definitions
from murmuration.services.search.filters import quoted
from murmuration.services.search.index import KINDS, KNOWLEDGE, MEMORY, Row, index_name
from murmuration.services.search.rows import embedded_text, path_words
from murmuration.services.settings import Settings
from murmuration.services.step_context import StepContext

PAGE = 200


@dataclass(frozen=True)
class EmbeddingModel:
    """An embedding model and the length of its vectors."""

    model: str
    dimensions: int

    def __str__(self) -> str:
        return f"{self.model}:{self.dimensions}"

    def index_name(self, kind: str) -> str:
        return index_name(kind, self.model, self.dimensions)


def migrate(settings: Settings) -> list[str]:
    """Create or update every index; returns their names. Needs the right to manage indexes."""
    indexes = definitions(settings.embedding_model, settings.embedding_dimensions)
    with search_index_client(settings) as client:
        for index in indexes.values():
            client.create_or_update_index(index)
    return [index.name for index in indexes.values()]


def drop(settings: Settings, model: EmbeddingModel) -> list[str]:
    """Delete the indexes of a model; returns their names. Raises `SettingsError` for the model in use."""
    if model == _current(settings):
        raise SettingsError(f"{str(model)!r} is in use: EMBEDDING_MODEL and EMBEDDING_DIMENSIONS name it")
    names = [model.index_name(kind) for kind in KINDS]
    with search_index_client(settings) as client:
        for name in names:
            client.delete_index(name)
    return names


async def move(settings: Settings, origin: EmbeddingModel) -> dict[str, int]:
    """Embed and copy the rows that another model's indexes have and the current ones lack; returns counts by kind.

    A move that was stopped half-way goes on where it was. Raises `StepError`.
    """
    clients = Clients(settings)
    model = clients.model(StepContext(last_attempt=True))
    try:
        return {kind: await _move_kind(settings, kind, origin, model) for kind in (KNOWLEDGE, MEMORY)}
    finally:
        await clients.close()


async def _move_kind(settings: Settings, kind: str, origin: EmbeddingModel, model: Model) -> int:
    target = _current(settings)
    fields = [field.name for field in definitions(target.model, target.dimensions)[kind].fields if not field.hidden]
    source_client = search_client(settings, origin.index_name(kind))
    target_client = search_client(settings, target.index_name(kind))
    async with source_client, target_client:
        index = AzureSearchIndex(target_client, settings.search_vector_weight)
        count, last = 0, ""
        while rows := await rows_by_id(source_client, "", after=last, select=fields, top=PAGE):
            last = rows[-1]["id"]
            missing = await _without_present(target_client, rows)
            vectors = await model.embed([embedded_text(kind, row) for row in missing]) if missing else []
            await index.write([_moved(kind, row, vector) for row, vector in zip(missing, vectors, strict=True)])
            count += len(missing)
        return count


async def _without_present(client: SearchClient, rows: Sequence[Row]) -> list[Row]:
    ids = quoted(",".join(row["id"] for row in rows))
    present = await rows_by_id(client, f"search.in(id, {ids})", after="", select=["id"], top=PAGE)
    present_ids = {row["id"] for row in present}
    return [row for row in rows if row["id"] not in present_ids]


def _moved(kind: str, row: Row, vector: Sequence[float]) -> Row:
    moved = {name: value for name, value in row.items() if not name.startswith("@")}
    if kind == KNOWLEDGE:
        moved["path"] = path_words(row["source"])  # the index searches this field and never returns it
    return {**moved, "needs_embedding": False, "vector": list(vector)}


def _current(settings: Settings) -> EmbeddingModel:
    return EmbeddingModel(settings.embedding_model, settings.embedding_dimensions)
