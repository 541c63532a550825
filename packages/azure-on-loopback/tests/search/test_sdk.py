"""The service through the real SDK: definitions, documents, filters, words, vectors, both together, and errors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.search.documents import IndexDocumentsBatch, SearchClient
from azure.search.documents.indexes import SearchIndexClient
from azure.search.documents.indexes.models import (
    HnswAlgorithmConfiguration,
    ScoringProfile,
    SearchField,
    SearchIndex,
    TextWeights,
    VectorSearch,
    VectorSearchProfile,
)
from azure.search.documents.models import VectorizedQuery
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback.search.matching import Node
from loopback.search.routes import make_app
from loopback.search.simple_syntax import parse
from loopback.serving import in_thread
from tests.search.conftest import KEY, ids

ROWS: list[dict[str, Any]] = [
    {"id": "a", "tenant": "x", "source": "tea.md", "title": "Tea", "heading": "Tea > Water", "text": "Water boils."},
    {"id": "b", "tenant": "x", "source": "o'tea.md", "title": "Tea", "heading": "Leaves", "text": "Leaves need water."},
    {"id": "c", "tenant": "y", "source": "tea.md", "title": "Coffee", "heading": "Beans", "text": "Beans are ground."},
]
PROFILED = ("heading", "text")
VECTORS = {"a": [1.0] + [0.0] * 7, "b": [0.6, 0.8] + [0.0] * 6, "c": [0.0, 1.0] + [0.0] * 6}


def definition(dimensions: int = 8) -> SearchIndex:
    """Define an index of chunks with two scoring profiles; by default headings count more than texts."""
    profiles = [ScoringProfile(name=f"{name}s", text_weights=TextWeights(weights={name: 3})) for name in PROFILED]
    return SearchIndex(
        name="chunks",
        fields=[
            SearchField(name="id", type="Edm.String", key=True, filterable=True, sortable=True),
            SearchField(name="tenant", type="Edm.String", searchable=False, filterable=True),
            SearchField(name="source", type="Edm.String", searchable=False, filterable=True),
            *(
                SearchField(name=name, type="Edm.String", searchable=True, analyzer_name="en.lucene", filterable=False)
                for name in ("title", "heading", "text")
            ),
            SearchField(
                name="vector",
                type="Collection(Edm.Single)",
                searchable=True,
                hidden=True,
                vector_search_dimensions=dimensions,
                vector_search_profile_name="cosine",
            ),
        ],
        scoring_profiles=profiles,
        default_scoring_profile="headings",
        vector_search=VectorSearch(
            algorithms=[HnswAlgorithmConfiguration(name="hnsw")],
            profiles=[VectorSearchProfile(name="cosine", algorithm_configuration_name="hnsw")],
        ),
    )


@pytest.fixture
def chunks(server: str, indexes: SearchIndexClient) -> Iterator[SearchClient]:
    indexes.create_index(definition())
    with SearchClient(server, "chunks", KEY) as client:
        client.upload_documents([{**row, "vector": VECTORS[row["id"]]} for row in ROWS])
        yield client


def nearest(vector: list[float], **options: Any) -> VectorizedQuery:
    return VectorizedQuery(vector=vector, k_nearest_neighbors=5, fields="vector", **options)


def test_an_index_is_created_updated_listed_and_deleted(indexes: SearchIndexClient) -> None:
    created = indexes.create_or_update_index(definition())
    assert created.name == "chunks"
    assert indexes.create_or_update_index(definition()).e_tag == created.e_tag
    assert [index.name for index in indexes.list_indexes()] == ["chunks"]
    assert indexes.get_index("chunks").default_scoring_profile == "headings"
    with pytest.raises(HttpResponseError, match="cannot be changed"):
        indexes.create_or_update_index(definition(dimensions=16))
    indexes.delete_index("chunks")
    with pytest.raises(ResourceNotFoundError):
        indexes.get_index("chunks")


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
def test_filters_of_strings(chunks: SearchClient, condition: str, expected: str) -> None:
    assert ids(chunks, filter=condition, order_by=["id"]) == expected


@pytest.mark.parametrize(
    "condition",
    ["tenant", "tenant eq", "nobody eq 'x'", "tenant eq 'x", "tenant eq 5", "text eq 'x' or", "(tenant eq 'x'",
     "; DROP", "tenant eq 'x' tenant eq 'y'", "tenant gt null", "tenant/any(t: t eq 'x')", "text eq 'x'"],
)  # fmt: skip
def test_a_bad_filter_is_refused(chunks: SearchClient, condition: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        ids(chunks, filter=condition)

    assert refused.value.status_code == 400


def test_words_are_analyzed_and_ranked(chunks: SearchClient) -> None:
    assert ids(chunks, "water") == "ab"
    assert ids(chunks, "water leaves", search_mode="all") == "b"
    assert ids(chunks, "ground -beans", search_mode="all") == ""
    assert ids(chunks, '"need water"') == "b"
    assert ids(chunks, "grind") == "", "the stem of grind is not the stem of ground"
    assert ids(chunks, "boiling") == "a"
    assert ids(chunks, "water", search_fields=["text"], filter="tenant eq 'x'", top=1) in ("a", "b")


def test_a_scoring_profile_weighs_fields(chunks: SearchClient) -> None:
    chunks.upload_documents([{"id": "h", "heading": "kettle", "text": "lamp"}, {"id": "t", "text": "kettle"}])

    assert ids(chunks, "kettle") == ids(chunks, "kettle", scoring_profile="headings") == "ht"
    assert ids(chunks, "kettle", scoring_profile="texts") == "th"


def test_vectors_are_ranked_by_cosine(chunks: SearchClient) -> None:
    rows = list(chunks.search(None, vector_queries=[nearest(VECTORS["a"])], filter="tenant eq 'x'"))

    assert [row["id"] for row in rows] == ["a", "b"]
    assert rows[0]["@search.score"] == pytest.approx(1.0)
    assert rows[1]["@search.score"] == pytest.approx(1 / (1 + (1 - 0.6)))


def test_words_and_vectors_are_fused_by_reciprocal_rank(chunks: SearchClient) -> None:
    rows = list(chunks.search("leaves", vector_queries=[nearest(VECTORS["a"], weight=0.5)], filter="tenant eq 'x'"))

    assert [row["id"] for row in rows] == ["b", "a"]
    assert rows[0]["@search.score"] == pytest.approx(1 / 61 + 0.5 / 62)
    assert rows[1]["@search.score"] == pytest.approx(0.5 / 61)


def test_documents_are_merged_deleted_and_counted(chunks: SearchClient) -> None:
    chunks.merge_documents([{"id": "a", "text": "Steam rises."}])
    assert chunks.get_document("a", selected_fields=["id", "title", "text"]) == {
        "id": "a",
        "title": "Tea",
        "text": "Steam rises.",
    }
    assert ids(chunks, "steam") == "a"
    assert ids(chunks, "boils") == ""
    assert ids(chunks, None, vector_queries=[nearest(VECTORS["a"])])[0] == "a", "a merge keeps the vector"

    chunks.delete_documents([{"id": "a"}, {"id": "nobody"}])
    assert chunks.get_document_count() == 2
    assert ids(chunks, None, vector_queries=[nearest(VECTORS["a"])]) == "bc"
    with pytest.raises(ResourceNotFoundError):
        chunks.get_document("a")


def test_a_document_of_a_batch_may_fail_alone(chunks: SearchClient) -> None:
    rows: list[dict[str, Any]] = [{"id": "ok"}, {"id": "not ok"}, {"id": "short", "vector": [1.0]}]
    batch = IndexDocumentsBatch()
    batch.add_upload_actions(rows)

    results = chunks.index_documents(batch)

    assert [(result.key, result.succeeded, result.status_code) for result in results] == [
        ("ok", True, 201),
        ("not ok", False, 400),
        ("short", False, 400),
    ]
    assert "Invalid document key: 'not ok'" in (results[1].error_message or "")
    assert "expects a length of '8'" in (results[2].error_message or "")
    assert chunks.get_document_count() == 4


def test_results_are_ordered_counted_and_paged(chunks: SearchClient) -> None:
    chunks.upload_documents([{"id": f"n{number:03}", "tenant": "z", "text": "many"} for number in range(120)])

    results = chunks.search("*", filter="tenant eq 'z'", order_by=["id desc"], include_total_count=True)
    assert results.get_count() == 120
    assert [row["id"] for row in results] == [f"n{number:03}" for number in reversed(range(120))]
    assert ids(chunks, filter="tenant eq 'z'", order_by=["id"], top=2, skip=3) == "n003n004"
    assert len(list(chunks.search("many"))) == 120


@pytest.mark.parametrize(
    "options",
    [{"select": ["nobody"]}, {"select": ["vector"]}, {"order_by": ["nobody"]}, {"search_fields": ["tenant"]},
     {"facets": ["nobody"]}, {"scoring_profile": "nobody"}, {"query_type": "semantic"},
     {"vector_queries": [nearest([1.0])]}],
)  # fmt: skip
def test_an_impossible_request_is_refused(chunks: SearchClient, options: dict[str, Any]) -> None:
    with pytest.raises(HttpResponseError) as refused:
        ids(chunks, "water", **options)

    assert refused.value.status_code == 400


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_in_simple_syntax_is_parsed(text: str) -> None:
    for mode in ("any", "all"):
        assert isinstance(parse(text, mode), Node)


def test_a_wrong_or_missing_key_is_refused(server: str, chunks: SearchClient) -> None:
    with SearchClient(server, "chunks", AzureKeyCredential("wrong")) as stranger:
        with pytest.raises(HttpResponseError) as refused:
            ids(stranger)
        assert refused.value.status_code == 403
    with pytest.raises(HTTPError) as missing, urlopen(f"{server}/indexes"):  # noqa: S310
        pass
    with missing.value as error:
        assert (error.code, json.load(error)["error"]["code"]) == (401, "Unauthorized")


def test_documents_survive_a_restart(tmp_path: Path) -> None:
    for expected in ("", "a"):
        with in_thread(lambda: make_app(tmp_path, "secret")) as url, SearchIndexClient(url, KEY) as indexes:
            indexes.create_or_update_index(definition())
            with SearchClient(url, "chunks", KEY) as client:
                assert ids(client, None, vector_queries=[nearest(VECTORS["a"])]) == expected
                client.upload_documents([{**ROWS[0], "vector": VECTORS["a"]}])
