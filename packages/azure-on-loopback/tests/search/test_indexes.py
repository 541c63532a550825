"""Index definitions, ETags, aliases and statistics; and documents that are refused."""

import copy
import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient
from azure.search.documents.indexes.models import SearchAlias, SearchField

from tests.search.conftest import BOOKS, KEY, ROWS, ids


def test_a_field_is_added_and_searched(books: SearchClient, indexes: SearchIndexClient) -> None:
    index = indexes.get_index("books")
    index.fields.insert(1, SearchField(name="author", type="Edm.String", searchable=True))
    indexes.create_or_update_index(index)

    books.merge_documents([{"id": "1", "author": "Okakura"}])
    assert ids(books, "okakura") == "1"
    assert ids(books, filter="author eq 'Okakura'") == "1"
    assert ids(books, "steamed") == "1"


def test_etags(books: SearchClient, indexes: SearchIndexClient) -> None:
    index = indexes.get_index("books")
    stale = copy.deepcopy(index)
    index.description = "about drinks"
    indexes.create_or_update_index(index, match_condition=MatchConditions.IfNotModified)

    with pytest.raises(ResourceModifiedError):
        indexes.create_or_update_index(stale, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceExistsError):
        indexes.create_or_update_index(index, match_condition=MatchConditions.IfMissing)
    with pytest.raises(HttpResponseError, match="exists already"):
        indexes.create_index(BOOKS)
    with pytest.raises(ResourceModifiedError):
        indexes.delete_index(stale, match_condition=MatchConditions.IfNotModified)


def test_an_alias_is_searched_switched_and_protected(
    books: SearchClient, indexes: SearchIndexClient, server: str
) -> None:
    indexes.create_index({**BOOKS, "name": "books-2"})
    indexes.create_alias(SearchAlias(name="current", indexes=["books"]))
    with SearchClient(server, "current", KEY) as current:
        assert ids(current, "coffee") == "3"
        indexes.create_or_update_alias(SearchAlias(name="current", indexes=["books-2"]))
        assert ids(current, "coffee") == ""
        current.upload_documents([ROWS[0]])
        assert current.get_document_count() == 1

    assert [(alias.name, alias.indexes) for alias in indexes.list_aliases()] == [("current", ["books-2"])]
    with pytest.raises(HttpResponseError, match="current"):
        indexes.delete_index("books-2")
    with pytest.raises(ResourceNotFoundError):
        indexes.get_index("current")
    with pytest.raises(HttpResponseError, match="no such index"):
        indexes.create_or_update_alias(SearchAlias(name="other", indexes=["nobody"]))
    indexes.delete_alias("current")
    indexes.delete_index("books-2")
    with pytest.raises(ResourceNotFoundError):
        indexes.get_alias("current")


def test_statistics(books: SearchClient, indexes: SearchIndexClient) -> None:
    index = indexes.get_index_statistics("books")
    service = indexes.get_service_statistics()

    assert index["documentCount"] == 4
    assert index["storageSize"] > 0
    assert service["counters"]["documentCount"]["usage"] == 4


EUCLIDEAN = {"metric": "euclidean"}


def field(**changes: Any) -> dict[str, Any]:
    key = {"name": "id", "type": "Edm.String", "key": True}
    return {"name": "new", "fields": [key, {"name": "odd", "type": "Edm.String", **changes}]}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (field(type="Edm.GeographyPoint"), "odd"),
        (field(analyzer="fr.lucene"), "fr.lucene"),
        (field(synonymMaps=["map"]), "synonymMaps"),
        (field(type="Edm.Int32", searchable=True), "odd"),
        (field(type="Collection(Edm.String)", sortable=True), "odd"),
        (field(type="Collection(Edm.Single)", dimensions=3, vectorSearchProfile="none"), "none"),
        (field(type="Collection(Edm.Single)"), "dimensions"),
        (field(name="1st"), "1st"),
        ({**field(), "name": "Upper"}, "Upper"),
        ({**field(), "suggesters": [{"name": "s"}]}, "suggesters"),
        ({**field(), "scoringProfiles": [{"name": "p", "functions": [{}]}]}, "functions"),
        ({**field(), "scoringProfiles": [{"name": "p", "text": {"weights": {"no": 1}}}]}, "'no'"),
        ({**field(), "defaultScoringProfile": "p"}, "defaultScoringProfile"),
        ({**BOOKS, "vectorSearch": {"algorithms": [{"name": "a", "kind": "hnsw", "hnswParameters": EUCLIDEAN}]}}, "eu"),
    ],
)  # fmt: skip
def test_a_wrong_definition_is_refused_and_named(indexes: SearchIndexClient, body: dict[str, Any], named: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        indexes.create_index(body)

    assert refused.value.status_code == 400
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("document", "status", "named"),
    [
        ({"id": "no spaces"}, 400, "no spaces"),
        ({"id": "a" * 1_025}, 400, "1024"),
        ({"id": "5", "pages": "many"}, 400, "pages"),
        ({"id": "5", "pages": 2**31}, 400, "pages"),
        ({"id": "5", "printed": "yesterday"}, 400, "printed"),
        ({"id": "5", "near": [1.0]}, 400, "near"),
        ({"id": "5", "near": [0.0, 0.0]}, 400, "near"),
        ({"id": "5", "nobody": 1}, 400, "nobody"),
        ({"id": "5", "tags": "tea"}, 400, "tags"),
    ],
)
def test_a_wrong_document_is_refused_and_named(
    books: SearchClient, document: dict[str, Any], status: int, named: str
) -> None:
    bad, good = books.upload_documents([document, {"id": "a" * 1_024}])

    assert (bad.succeeded, bad.status_code) == (False, status)
    assert named in (bad.error_message or "")
    assert good.succeeded
    assert books.get_document_count() == 5


def test_merges(books: SearchClient) -> None:
    (missing,) = books.merge_documents([{"id": "9", "pages": 1}])
    assert (missing.succeeded, missing.status_code) == (False, 404)
    (made,) = books.merge_or_upload_documents([{"id": "9", "pages": 1, "near": [3.0, 4.0]}])
    assert made.status_code == 201
    books.merge_or_upload_documents([{"id": "9", "tags": ["new"]}, {"id": "9", "pages": None}])
    merged = books.get_document("9")
    assert (merged["pages"], merged["tags"], merged["near"]) == (None, ["new"], [3.0, 4.0])


def call(url: str, body: Any) -> tuple[int, Any]:
    headers = {"Authorization": "Bearer secret", "Content-Type": "application/json"}
    request = Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with urlopen(request) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_urls_as_documented_and_the_limits_of_a_batch(books: SearchClient, server: str) -> None:
    status, answer = call(f"{server}/indexes/books/docs/search?api-version=2026-04-01", {"search": "coffee"})
    assert (status, [row["id"] for row in answer["value"]]) == (200, ["3"])
    many = {"value": [{"id": str(number)} for number in range(1_001)]}
    assert call(f"{server}/indexes/books/docs/index", many)[0] == 400
    large = {"value": [{"id": "5", "text": "a" * 17_000_000}]}
    assert call(f"{server}/indexes/books/docs/index", large)[0] == 413
