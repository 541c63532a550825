"""The search service through the real SDK, with the app's own index definitions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient
from azure.search.documents.models import VectorizedQuery
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback.search.checks import index_from
from loopback.search.matching import Node
from loopback.search.odata import compile_filter
from loopback.search.routes import make_app
from loopback.search.simple_syntax import parse
from loopback.serving import in_thread
from murmuration.services.search.definitions import definitions
from murmuration.services.search.filters import quoted
from murmuration.services.search.index import KNOWLEDGE, index_name

INDEX = index_from(
    {
        "name": "all",
        "fields": [{"name": "id", "type": "Edm.String", "key": True}, {"name": "tenant", "type": "Edm.String"}],
    }
)
KEY = AzureKeyCredential("secret")
MODEL = "tested"
NAME = index_name(KNOWLEDGE, MODEL, 8)
ROWS: list[dict[str, Any]] = [
    {"id": "a", "tenant": "x", "source": "tea.md", "title": "Tea", "heading": "Tea > Water", "text": "Water boils."},
    {"id": "b", "tenant": "x", "source": "o'tea.md", "title": "Tea", "heading": "Leaves", "text": "Leaves need water."},
    {"id": "c", "tenant": "y", "source": "tea.md", "title": "Coffee", "heading": "Beans", "text": "Beans are ground."},
]
VECTORS = {"a": [1.0] + [0.0] * 7, "b": [0.6, 0.8] + [0.0] * 6, "c": [0.0, 1.0] + [0.0] * 6}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with in_thread(lambda: make_app(tmp_path, "secret")) as service:
        yield service


@pytest.fixture
def client(url: str) -> Iterator[SearchClient]:
    with SearchIndexClient(url, KEY) as indexes:
        for index in definitions(MODEL, 8).values():
            indexes.create_or_update_index(index)
    with SearchClient(url, NAME, KEY) as client:
        client.upload_documents([{**row, "vector": VECTORS[row["id"]]} for row in ROWS])
        yield client


def ids(client: SearchClient, text: str | None = None, **options: Any) -> list[str]:
    return [row["id"] for row in client.search(text, **options)]


def nearest(vector: list[float], **options: Any) -> VectorizedQuery:
    return VectorizedQuery(vector=vector, k_nearest_neighbors=5, fields="vector", **options)


def test_an_index_is_made_updated_listed_and_deleted(url: str) -> None:
    with SearchIndexClient(url, KEY) as indexes:
        index = definitions(MODEL, 8)[KNOWLEDGE]
        created = indexes.create_or_update_index(index)
        assert created.name == NAME
        assert indexes.create_or_update_index(index).e_tag == created.e_tag
        assert [listed.name for listed in indexes.list_indexes()] == [NAME]
        assert indexes.get_index(NAME).default_scoring_profile == index.default_scoring_profile
        longer = definitions(MODEL, 16)[KNOWLEDGE]
        longer.name = NAME
        with pytest.raises(HttpResponseError, match="cannot be changed"):
            indexes.create_or_update_index(longer)
        indexes.delete_index(NAME)
        with pytest.raises(ResourceNotFoundError):
            indexes.get_index(NAME)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("tenant eq 'x'", "ab"),
        ("tenant ne 'x'", "c"),
        ("not (tenant eq 'x')", "c"),
        ("tenant eq 'x' and source eq 'tea.md'", "a"),
        ("tenant eq 'y' or source eq 'o''tea.md'", "bc"),
        ("search.in(source, 'tea.md|x', '|')", "ac"),
        ("search.in(id, 'a, b')", "ab"),
        ("id gt 'a' and id le 'c'", "bc"),
        ("source eq null", ""),
    ],
)
def test_filters(client: SearchClient, condition: str, expected: str) -> None:
    assert sorted(ids(client, "*", filter=condition)) == sorted(expected)


@pytest.mark.parametrize(
    "condition",
    ["tenant", "tenant eq", "nobody eq 'x'", "tenant eq 'x", "tenant eq 5", "text eq 'x' or", "(tenant eq 'x'",
     "; DROP", "tenant eq 'x' tenant eq 'y'", "tenant gt null", "tenant/any(t: t eq 'x')"],
)  # fmt: skip
def test_a_bad_filter_is_refused(client: SearchClient, condition: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        ids(client, "*", filter=condition)

    assert refused.value.status_code == 400


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40))
def test_no_value_widens_a_filter(text: str) -> None:
    clause = compile_filter(f"tenant eq {quoted(text)}", INDEX)

    assert clause.sql == "json_extract(body, '$.tenant')=?"
    assert clause.values == (text,)


def test_words_are_ranked_and_headings_count_more(client: SearchClient) -> None:
    assert ids(client, "water") == ["a", "b"]
    assert ids(client, "water leaves", search_mode="all") == ["b"]
    assert ids(client, "ground -beans", search_mode="all") == []
    assert ids(client, '"need water"') == ["b"]
    assert ids(client, "grind") == [], "the stem of grind is not the stem of ground"
    assert ids(client, "boiling") == ["a"]
    assert ids(client, "water", search_fields=["text"], filter="tenant eq 'x'", top=1) in (["a"], ["b"])


def test_vectors_are_ranked_by_cosine(client: SearchClient) -> None:
    rows = list(client.search(None, vector_queries=[nearest(VECTORS["a"])], filter="tenant eq 'x'"))

    assert [row["id"] for row in rows] == ["a", "b"]
    assert rows[0]["@search.score"] == pytest.approx(1.0)
    assert rows[1]["@search.score"] == pytest.approx(1 / (1 + (1 - 0.6)))


def test_words_and_vectors_are_fused_by_reciprocal_rank(client: SearchClient) -> None:
    rows = list(client.search("leaves", vector_queries=[nearest(VECTORS["a"], weight=0.5)], filter="tenant eq 'x'"))

    assert [row["id"] for row in rows] == ["b", "a"]
    assert rows[0]["@search.score"] == pytest.approx(1 / 61 + 0.5 / 62)
    assert rows[1]["@search.score"] == pytest.approx(0.5 / 61)


def test_documents_are_merged_deleted_and_counted(client: SearchClient) -> None:
    client.merge_documents([{"id": "a", "text": "Steam rises."}])
    assert client.get_document("a", selected_fields=["id", "title", "text"]) == {
        "id": "a",
        "title": "Tea",
        "text": "Steam rises.",
    }
    assert ids(client, "steam") == ["a"]
    assert ids(client, "boils") == []
    assert ids(client, None, vector_queries=[nearest(VECTORS["a"])])[0] == "a", "a merge keeps the vector"

    client.delete_documents([{"id": "a"}, {"id": "nobody"}])
    assert client.get_document_count() == 2
    assert ids(client, None, vector_queries=[nearest(VECTORS["a"])]) == ["b", "c"]
    with pytest.raises(ResourceNotFoundError):
        client.get_document("a")


def test_of_a_batch_each_document_may_fail_alone(client: SearchClient) -> None:
    results = client.index_documents(_batch([{"id": "ok"}, {"id": "not ok"}, {"id": "short", "vector": [1.0]}]))

    assert [(result.key, result.succeeded, result.status_code) for result in results] == [
        ("ok", True, 201),
        ("not ok", False, 400),
        ("short", False, 400),
    ]
    assert "Invalid document key: 'not ok'" in (results[1].error_message or "")
    assert "expects a length of '8'" in (results[2].error_message or "")
    assert client.get_document_count() == 4


def _batch(rows: list[dict[str, Any]]) -> Any:
    from azure.search.documents import IndexDocumentsBatch

    batch = IndexDocumentsBatch()
    batch.add_upload_actions(rows)
    return batch


def test_results_are_ordered_counted_and_paged(client: SearchClient) -> None:
    client.upload_documents([{"id": f"n{number:03}", "tenant": "z", "text": "many"} for number in range(120)])

    results = client.search("*", filter="tenant eq 'z'", order_by=["id desc"], include_total_count=True)
    assert results.get_count() == 120
    assert [row["id"] for row in results] == [f"n{number:03}" for number in reversed(range(120))]
    assert ids(client, "*", filter="tenant eq 'z'", order_by=["id"], top=2, skip=3) == ["n003", "n004"]
    assert len(ids(client, "many")) == 120


@pytest.mark.parametrize(
    "options",
    [{"select": ["nobody"]}, {"order_by": ["nobody"]}, {"search_fields": ["tenant"]}, {"facets": ["nobody"]},
     {"scoring_profile": "nobody"}, {"query_type": "semantic"}, {"vector_queries": [nearest([1.0])]}],
)  # fmt: skip
def test_a_query_with_an_unknown_name_is_refused(client: SearchClient, options: dict[str, Any]) -> None:
    with pytest.raises(HttpResponseError) as refused:
        ids(client, "water", **options)

    assert refused.value.status_code == 400


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_no_query_text_breaks_the_service(text: str) -> None:
    for mode in ("any", "all"):
        assert isinstance(parse(text, mode), Node)


def test_a_wrong_key_is_refused(url: str, client: SearchClient) -> None:
    with SearchClient(url, NAME, AzureKeyCredential("wrong")) as stranger, pytest.raises(HttpResponseError) as refused:
        ids(stranger, "*")
    assert refused.value.status_code in (401, 403)
    assert issubclass(ClientAuthenticationError, HttpResponseError)


def test_documents_are_there_after_a_restart(tmp_path: Path) -> None:
    for expected in ([], ["a"]):
        with in_thread(lambda: make_app(tmp_path, "secret")) as url, SearchIndexClient(url, KEY) as indexes:
            indexes.create_or_update_index(definitions(MODEL, 8)[KNOWLEDGE])
            with SearchClient(url, NAME, KEY) as client:
                assert ids(client, None, vector_queries=[nearest(VECTORS["a"])]) == expected
                client.upload_documents([{**ROWS[0], "vector": VECTORS["a"]}])
