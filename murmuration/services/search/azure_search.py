"""An `Index` in Azure AI Search.

Every query adds the filter by tenant and user here, in code, after the model has spoken.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError
from azure.search.documents.aio import SearchClient
from azure.search.documents.models import VectorizedQuery, VectorQuery

from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import Scope
from murmuration.services.errors import GiveUp, RetryLater, StepError
from murmuration.services.search.definitions import SEMANTIC_CONFIGURATION
from murmuration.services.search.filters import all_of, from_sources, in_scope, owned, quoted, visible
from murmuration.services.search.index import PAGE, SOURCES_PAGE, Row, Search

SEARCH_OPTIONS: Mapping[str, Any] = {"retry_total": 0, "connection_timeout": 3, "read_timeout": 10}
"""Options of every call. The SDK's own retries are off: a `RetryLater` becomes a durable sleep, which costs nothing."""
WRITE_BATCH = 400
"""Documents per request: 1,536 numbers are 34 KB of JSON, and the service takes 16 MB."""
DELETE_BATCH = 1_000
SOURCES_PER_FILTER = 100
NEIGHBOURS = 50
"""Neighbours that the vector ranking brings into a hybrid search."""
NOT_FOUND = 404
RETRIED_DOCUMENT_STATUSES = frozenset({409, 422, 429, 503})

_OPERATORS = str.maketrans(dict.fromkeys("+-|\"'()*~\\?!", " "))


class AzureSearchIndex:
    """An `Index` over the SDK's client of one index."""

    def __init__(self, client: SearchClient, vector_weight: float) -> None:
        self._client = client
        self._vector_weight = vector_weight

    async def search(self, owner: Owner, search: Search) -> list[Row]:
        ranker: dict[str, Any] = {}
        if search.ranker:
            ranker = {"query_type": "semantic", "semantic_configuration_name": SEMANTIC_CONFIGURATION}
        with azure_errors():
            results = await self._client.search(
                search_text=_plain_words(search.text),
                vector_queries=self._vector_queries(search.vector),
                filter=all_of(visible(owner), search.condition),
                top=search.top,
                select=list(search.select),
                **ranker,
                **SEARCH_OPTIONS,
            )
            return [dict(row) async for row in results]

    async def find(
        self, owner: Owner, condition: str, *, top: int, select: Sequence[str], latest: str = ""
    ) -> list[Row]:
        with azure_errors():
            results = await self._client.search(
                search_text="*",
                filter=all_of(owned(owner), condition),
                order_by=[f"{latest} desc"] if latest else None,
                top=top,
                select=list(select),
                **SEARCH_OPTIONS,
            )
            return [dict(row) async for row in results]

    async def page(self, tenant: str, condition: str, *, after: str, select: Sequence[str]) -> list[Row]:
        conditions = all_of(f"tenant eq {quoted(tenant)}", condition)
        return await rows_by_id(self._client, conditions, after=after, select=["id", *select], top=PAGE)

    async def sources(self, owner: Owner, *, prefix: str, after: str) -> dict[str, int]:
        in_prefix = in_scope(Scope(sources=(prefix,))) if prefix else ""
        with azure_errors():
            results = await self._client.search(
                search_text="*",
                filter=all_of(owned(owner), in_prefix, f"source gt {quoted(after)}"),
                facets=[f"source,count:{SOURCES_PAGE},sort:value"],
                top=0,
                **SEARCH_OPTIONS,
            )
            buckets = (await results.get_facets() or {}).get("source", [])
            return {bucket["value"]: bucket["count"] for bucket in buckets}

    async def ids_of_sources(self, owner: Owner, sources: Sequence[str]) -> dict[str, set[str]]:
        ids: dict[str, set[str]] = {source: set() for source in sources}
        for start in range(0, len(sources), SOURCES_PER_FILTER):
            some = sources[start : start + SOURCES_PER_FILTER]
            with azure_errors():
                results = await self._client.search(
                    search_text="*",
                    filter=all_of(owned(owner), from_sources(some)),
                    select=["id", "source"],
                    **SEARCH_OPTIONS,
                )
                async for row in results:
                    ids[row["source"]].add(row["id"])
        return ids

    async def write(self, rows: Sequence[Row]) -> None:
        for start in range(0, len(rows), WRITE_BATCH):
            with azure_errors():
                results = await self._client.upload_documents(list(rows[start : start + WRITE_BATCH]), **SEARCH_OPTIONS)
                _raise_for_failed(results)

    async def merge(self, rows: Sequence[Row]) -> None:
        if rows:
            with azure_errors():
                results = await self._client.merge_documents(list(rows), **SEARCH_OPTIONS)
                _raise_for_failed([result for result in results if result.status_code != NOT_FOUND])

    async def delete(self, ids: Sequence[str]) -> None:
        for start in range(0, len(ids), DELETE_BATCH):
            with azure_errors():
                keys = [{"id": id_} for id_ in ids[start : start + DELETE_BATCH]]
                _raise_for_failed(await self._client.delete_documents(keys, **SEARCH_OPTIONS))

    def _vector_queries(self, vector: Sequence[float] | None) -> list[VectorQuery] | None:
        if vector is None:
            return None
        query = VectorizedQuery(
            vector=list(vector), k_nearest_neighbors=NEIGHBOURS, fields="vector", weight=self._vector_weight
        )
        return [query]


async def rows_by_id(client: SearchClient, condition: str, *, after: str, select: Sequence[str], top: int) -> list[Row]:
    """Return the next rows behind the id `after`, of every tenant unless the condition says which."""
    with azure_errors():
        results = await client.search(
            search_text="*",
            filter=all_of(condition, f"id gt {quoted(after)}"),
            order_by=["id asc"],
            top=top,
            select=list(select),
            **SEARCH_OPTIONS,
        )
        return [dict(row) async for row in results]


@contextmanager
def azure_errors() -> Iterator[None]:
    """Turn what the SDK raises into `StepError`s."""
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


def _plain_words(text: str) -> str:
    """Remove the operators of the query syntax, which would exclude, require or group words."""
    return " ".join(text.translate(_OPERATORS).split()) or "*"


def _raise_for_failed(results: Sequence[Any]) -> None:
    failed = [result for result in results if not result.succeeded]
    if not failed:
        return
    message = f"{len(failed)} of {len(results)} documents were not written (status {failed[0].status_code})"
    if any(result.status_code in RETRIED_DOCUMENT_STATUSES for result in failed):
        raise RetryLater("search_unavailable", message)
    raise GiveUp("search_refused", message)


def _retry_after(error: Any) -> float | None:
    try:
        return max(0.0, float(error.response.headers["Retry-After"]))
    except (AttributeError, KeyError, ValueError):
        return None
