"""One index: search, list, write, delete.

Every query takes an `Owner`; the filter by tenant and user is added here, by code, after the model has spoken.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import Scope
from murmuration.services.errors import GiveUp, RetryLater, StepError
from murmuration.services.search.filters import both, owned, quoted, visible, within
from murmuration.services.search.indexes import SEMANTIC

if TYPE_CHECKING:
    from azure.search.documents.aio import SearchClient
    from azure.search.documents.models import VectorQuery

Row = dict[str, Any]

_OPERATORS = str.maketrans(dict.fromkeys("+-|\"'()*~\\?!", " "))

SEARCH_OPTIONS: Mapping[str, Any] = {"retry_total": 0, "connection_timeout": 3, "read_timeout": 10}
"""The SDK's own retries are off: a `RetryLater` becomes a durable sleep, during which no function is held."""
WRITE_BATCH = 400
"""Documents per request: 1,536 numbers are 34 KB of JSON, and the service takes 16 MB."""
DELETE_BATCH = 1_000
PAGE = 1_000
"""Rows of one answer: more would come in pages of their own."""
SOURCES_PER_FILTER = 100
SOURCES_PAGE = 1_000
GONE = 404
NEAREST = 50
"""Neighbours that the vector ranking brings into a hybrid search."""


@dataclass(frozen=True)
class Search:
    """What is searched for."""

    text: str
    top: int
    select: Sequence[str]
    vector: Sequence[float] | None = None
    """None: by words alone."""
    condition: str = ""
    """An OData filter made by code, never by a model."""
    ranker: bool = False
    """Whether the semantic ranker orders what was found; the service bills it."""


class Index(Protocol):
    """What activities need of an index."""

    async def search(self, owner: Owner, asked: Search) -> list[Row]: ...

    async def find(
        self, owner: Owner, condition: str, *, top: int, select: Sequence[str], latest: str = ""
    ) -> list[Row]: ...

    async def ids_of_sources(self, owner: Owner, sources: Sequence[str]) -> dict[str, set[str]]: ...

    async def sources(self, owner: Owner, *, prefix: str, after: str) -> dict[str, int]: ...

    async def page(self, tenant: str, condition: str, *, after: str, select: Sequence[str]) -> list[Row]: ...

    async def write(self, rows: Sequence[Row]) -> None: ...

    async def merge(self, rows: Sequence[Row]) -> None: ...

    async def delete(self, ids: Sequence[str]) -> None: ...


class SearchIndexStore:
    """An `Index` in Azure AI Search. Raises `RetryLater` when it can't serve, `GiveUp` when it refuses."""

    def __init__(self, client: "SearchClient", vector_weight: float) -> None:
        self._client = client
        self._vector_weight = vector_weight

    async def search(self, owner: Owner, asked: Search) -> list[Row]:
        """The best rows that the owner may see, best first, each with `@search.score`."""
        ranker: dict[str, Any] = {}
        if asked.ranker:
            ranker = {"query_type": "semantic", "semantic_configuration_name": SEMANTIC}
        with translated():
            found = await self._client.search(
                search_text=_words(asked.text),
                vector_queries=self._nearest(asked.vector),
                filter=both(visible(owner), asked.condition),
                top=asked.top,
                select=list(asked.select),
                **ranker,
                **SEARCH_OPTIONS,
            )
            return [dict(row) async for row in found]

    async def find(
        self, owner: Owner, condition: str, *, top: int, select: Sequence[str], latest: str = ""
    ) -> list[Row]:
        """Rows of exactly this owner that a filter lets through; with the latest `latest` first if it is given."""
        with translated():
            found = await self._client.search(
                search_text="*",
                filter=both(owned(owner), condition),
                order_by=[f"{latest} desc"] if latest else None,
                top=top,
                select=list(select),
                **SEARCH_OPTIONS,
            )
            return [dict(row) async for row in found]

    async def page(self, tenant: str, condition: str, *, after: str, select: Sequence[str]) -> list[Row]:
        """The next rows by id of the whole tenant, whoever's they are; at most `PAGE`."""
        with translated():
            found = await self._client.search(
                search_text="*",
                filter=both(f"tenant eq {quoted(tenant)}", condition, f"id gt {quoted(after)}"),
                order_by=["id asc"],
                top=PAGE,
                select=["id", *select],
                **SEARCH_OPTIONS,
            )
            return [dict(row) async for row in found]

    async def sources(self, owner: Owner, *, prefix: str, after: str) -> dict[str, int]:
        """The next sources of exactly this owner, by name, with how many rows each has; at most `SOURCES_PAGE`."""
        beginning = within(Scope(sources=(prefix,))) if prefix else ""
        with translated():
            found = await self._client.search(
                search_text="*",
                filter=both(owned(owner), beginning, f"source gt {quoted(after)}"),
                facets=[f"source,count:{SOURCES_PAGE},sort:value"],
                top=0,
                **SEARCH_OPTIONS,
            )
            buckets = (await found.get_facets() or {}).get("source", [])
            return {bucket["value"]: bucket["count"] for bucket in buckets}

    def _nearest(self, vector: Sequence[float] | None) -> "list[VectorQuery] | None":
        from azure.search.documents.models import VectorizedQuery

        if vector is None:
            return None
        query = VectorizedQuery(
            vector=list(vector), k_nearest_neighbors=NEAREST, fields="vector", weight=self._vector_weight
        )
        return [query]

    async def ids_of_sources(self, owner: Owner, sources: Sequence[str]) -> dict[str, set[str]]:
        """The ids of all rows of these sources, by source, that are exactly this owner's."""
        ids: dict[str, set[str]] = {source: set() for source in sources}
        for start in range(0, len(sources), SOURCES_PER_FILTER):
            # A source holds no control character: the newline can't be part of one.
            some = quoted("\n".join(sources[start : start + SOURCES_PER_FILTER]))
            with translated():
                found = await self._client.search(
                    search_text="*",
                    filter=both(owned(owner), f"search.in(source, {some}, '\n')"),
                    select=["id", "source"],
                    **SEARCH_OPTIONS,
                )
                async for row in found:
                    ids[row["source"]].add(row["id"])
        return ids

    async def write(self, rows: Sequence[Row]) -> None:
        """Write or overwrite by id."""
        for start in range(0, len(rows), WRITE_BATCH):
            with translated():
                results = await self._client.upload_documents(list(rows[start : start + WRITE_BATCH]), **SEARCH_OPTIONS)
                _check(results)

    async def merge(self, rows: Sequence[Row]) -> None:
        """Change what is given of rows that exist; the ids of others are passed over."""
        if rows:
            with translated():
                results = await self._client.merge_documents(list(rows), **SEARCH_OPTIONS)
                _check([result for result in results if result.status_code != GONE])

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete by id; an id that isn't there is fine."""
        for start in range(0, len(ids), DELETE_BATCH):
            with translated():
                some = [{"id": id_} for id_ in ids[start : start + DELETE_BATCH]]
                _check(await self._client.delete_documents(some, **SEARCH_OPTIONS))


def _words(text: str) -> str:
    """The text without the operators of the query syntax, which would exclude, require or group words."""
    return " ".join(text.translate(_OPERATORS).split()) or "*"


def _check(results: Sequence[Any]) -> None:
    failed = [result for result in results if not result.succeeded]
    if not failed:
        return
    message = f"{len(failed)} of {len(results)} documents were not written (status {failed[0].status_code})"
    if any(result.status_code in {409, 422, 429, 503} for result in failed):
        raise RetryLater("search_unavailable", message)
    raise GiveUp("search_refused", message)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the SDK raises into `StepError`s."""
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        yield
    except StepError:
        raise
    except HttpResponseError as error:
        status = error.status_code or 0
        if status in {408, 429} or status >= 500 or status == 0:
            seconds = _retry_after(error)
            raise RetryLater("search_unavailable", f"search answered {status}", seconds) from error
        raise GiveUp("search_refused", f"search answered {status}") from error
    except AzureError as error:
        raise RetryLater("search_unavailable", "search can't be reached") from error


def _retry_after(error: Any) -> float | None:
    try:
        return max(0.0, float(error.response.headers["Retry-After"]))
    except (AttributeError, KeyError, ValueError):
        return None
