"""One index of one tenant's chunks: search, list, write, delete.

The tenant filter is added here, by code, to every query; keys of documents begin with the tenant's key.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from services.errors import GiveUp, RetryLater, StepError

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
SOURCES_PER_FILTER = 100
GONE = 404
NEAREST = 50
"""Neighbours that the vector ranking brings into a hybrid search."""


class Index(Protocol):
    """What activities need of an index."""

    async def search(
        self,
        tenant: str,
        text: str,
        *,
        top: int,
        select: Sequence[str],
        vector: Sequence[float] | None,
        condition: str = "",
    ) -> list[Row]: ...

    async def ids_of_sources(self, tenant: str, sources: Sequence[str]) -> dict[str, set[str]]: ...

    async def find(self, tenant: str, condition: str, *, top: int, select: Sequence[str]) -> list[Row]: ...

    async def write(self, rows: Sequence[Row]) -> None: ...

    async def merge(self, rows: Sequence[Row]) -> None: ...

    async def delete(self, ids: Sequence[str]) -> None: ...


class SearchIndexStore:
    """An `Index` in Azure AI Search. Raises `RetryLater` when it can't serve, `GiveUp` when it refuses."""

    def __init__(self, client: "SearchClient", vector_weight: float) -> None:
        self._client = client
        self._vector_weight = vector_weight

    async def search(
        self,
        tenant: str,
        text: str,
        *,
        top: int,
        select: Sequence[str],
        vector: Sequence[float] | None,
        condition: str = "",
    ) -> list[Row]:
        """The best rows, best first, each with `@search.score`: hybrid with a vector, by words without.

        `condition` is an OData filter made by code, never by a model.
        """
        with _translated():
            found = await self._client.search(
                search_text=_words(text),
                vector_queries=self._nearest(vector),
                filter=_of_tenant(tenant, condition),
                top=top,
                select=list(select),
                **SEARCH_OPTIONS,
            )
            return [dict(row) async for row in found]

    async def find(self, tenant: str, condition: str, *, top: int, select: Sequence[str]) -> list[Row]:
        """Rows of the tenant that a filter lets through, in no particular order."""
        with _translated():
            found = await self._client.search(
                search_text="*", filter=_of_tenant(tenant, condition), top=top, select=list(select), **SEARCH_OPTIONS
            )
            return [dict(row) async for row in found]

    def _nearest(self, vector: Sequence[float] | None) -> "list[VectorQuery] | None":
        from azure.search.documents.models import VectorizedQuery

        if vector is None:
            return None
        query = VectorizedQuery(
            vector=list(vector), k_nearest_neighbors=NEAREST, fields="vector", weight=self._vector_weight
        )
        return [query]

    async def ids_of_sources(self, tenant: str, sources: Sequence[str]) -> dict[str, set[str]]:
        """The ids of all rows of these sources, by source."""
        ids: dict[str, set[str]] = {source: set() for source in sources}
        for start in range(0, len(sources), SOURCES_PER_FILTER):
            # A source holds no control character: the newline can't be part of one.
            some = quoted("\n".join(sources[start : start + SOURCES_PER_FILTER]))
            with _translated():
                found = await self._client.search(
                    search_text="*",
                    filter=f"tenant eq {quoted(tenant)} and search.in(source, {some}, '\n')",
                    select=["id", "source"],
                    **SEARCH_OPTIONS,
                )
                async for row in found:
                    ids[row["source"]].add(row["id"])
        return ids

    async def write(self, rows: Sequence[Row]) -> None:
        """Write or overwrite by id."""
        for start in range(0, len(rows), WRITE_BATCH):
            with _translated():
                results = await self._client.upload_documents(list(rows[start : start + WRITE_BATCH]), **SEARCH_OPTIONS)
                _check(results)

    async def merge(self, rows: Sequence[Row]) -> None:
        """Change what is given of rows that exist; the ids of others are passed over."""
        if rows:
            with _translated():
                results = await self._client.merge_documents(list(rows), **SEARCH_OPTIONS)
                _check([each for each in results if each.status_code != GONE])

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete by id; an id that isn't there is fine."""
        for start in range(0, len(ids), DELETE_BATCH):
            with _translated():
                some = [{"id": each} for each in ids[start : start + DELETE_BATCH]]
                _check(await self._client.delete_documents(some, **SEARCH_OPTIONS))


def _of_tenant(tenant: str, condition: str) -> str:
    own = f"tenant eq {quoted(tenant)}"
    return f"{own} and ({condition})" if condition else own


def quoted(value: str) -> str:
    """An OData string literal: no value can end it early."""
    return "'" + value.replace("'", "''") + "'"


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
def _translated() -> Iterator[None]:
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
