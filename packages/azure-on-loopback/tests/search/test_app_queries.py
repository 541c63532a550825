"""An index and requests like those of an app for retrieval-augmented generation, through the SDK."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient
from azure.search.documents.indexes.models import (
    HnswAlgorithmConfiguration,
    RescoringOptions,
    ScalarQuantizationCompression,
    SearchField,
    SearchIndex,
    SemanticConfiguration,
    SemanticField,
    SemanticPrioritizedFields,
    SemanticSearch,
    VectorSearch,
    VectorSearchProfile,
)
from azure.search.documents.models import VectorizedQuery

from tests.search.conftest import KEY, ids

ROWS: list[dict[str, Any]] = [
    {"id": "a1", "source": "a/x.md", "text": "Rain falls in autumn.", "labels": ["red", "wet"], "vector": [1.0, 0.1]},
    {"id": "a2", "source": "a/y.md", "text": "Autumn rain falls softly.", "labels": ["red"], "vector": [0.0, 1.0]},
    {"id": "b1", "source": "a0", "text": "Snow.", "labels": ["blue"], "vector": [0.9, 0.2]},
    {"id": "b2", "source": "b/z.md", "text": "Sun.", "labels": [], "vector": [-1.0, 0.0]},
]


def definition() -> SearchIndex:
    rescoring = RescoringOptions(enable_rescoring=True, default_oversampling=4.0)
    prioritized = SemanticPrioritizedFields(content_fields=[SemanticField(field_name="text")])
    return SearchIndex(
        name="chunks",
        fields=[
            SearchField(name="id", type="Edm.String", key=True, filterable=True, sortable=True),
            SearchField(name="source", type="Edm.String", searchable=False, filterable=True, facetable=True),
            SearchField(name="text", type="Edm.String", searchable=True, analyzer_name="en.lucene"),
            SearchField(name="labels", type="Collection(Edm.String)", filterable=True),
            SearchField(
                name="vector",
                type="Collection(Edm.Single)",
                searchable=True,
                vector_search_dimensions=2,
                vector_search_profile_name="small",
            ),
        ],
        vector_search=VectorSearch(
            algorithms=[HnswAlgorithmConfiguration(name="hnsw")],
            compressions=[ScalarQuantizationCompression(compression_name="scalar", rescoring_options=rescoring)],
            profiles=[
                VectorSearchProfile(name="small", algorithm_configuration_name="hnsw", compression_name="scalar")
            ],
        ),
        semantic_search=SemanticSearch(
            configurations=[SemanticConfiguration(name="by-text", prioritized_fields=prioritized)]
        ),
    )


@pytest.fixture
def chunks(server: str, indexes: SearchIndexClient) -> Iterator[SearchClient]:
    indexes.create_index(definition())
    with SearchClient(server, "chunks", KEY) as client:
        client.upload_documents(ROWS)
        yield client


def nearest(**options: Any) -> VectorizedQuery:
    return VectorizedQuery(vector=[1.0, 0.0], k_nearest_neighbors=4, fields="vector", **options)


def test_a_compression_is_stored_and_returned_and_the_search_stays_exact(
    chunks: SearchClient, indexes: SearchIndexClient
) -> None:
    vector_search = indexes.get_index("chunks").vector_search
    assert vector_search is not None
    assert vector_search.compressions is not None
    assert vector_search.profiles is not None
    assert vector_search.compressions[0].rescoring_options == RescoringOptions(
        enable_rescoring=True, default_oversampling=4.0
    )
    assert vector_search.profiles[0].compression_name == "scalar"

    rows = list(chunks.search(None, vector_queries=[nearest(oversampling=2.0)]))
    assert [row["id"] for row in rows] == ["a1", "b1", "a2", "b2"]
    assert rows[0]["@search.score"] == pytest.approx(1 / (2 - 1 / 1.01**0.5))


def test_a_profile_with_an_unknown_compression_is_refused(indexes: SearchIndexClient) -> None:
    index = definition()
    assert index.vector_search is not None
    index.vector_search.compressions = []

    with pytest.raises(HttpResponseError, match="'scalar'") as refused:
        indexes.create_index(index)

    assert refused.value.status_code == 400


@pytest.mark.parametrize("on_error", ["partial", "fail"])
def test_words_vectors_and_semantic_ranking_together(chunks: SearchClient, on_error: str) -> None:
    results = chunks.search(
        "autumn rain falling softly",
        query_type="semantic",
        semantic_configuration_name="by-text",
        semantic_error_mode=on_error,
        semantic_max_wait_in_milliseconds=1_000,
        query_caption="extractive|highlight-false",
        vector_queries=[nearest()],
        filter="source ge 'a/' and source lt 'a0'",
        top=5,
    )
    rows = list(results)

    assert [row["id"] for row in rows] == ["a2", "a1"], "by vectors a1 would be first"
    assert rows[0]["@search.reranker_score"] > rows[1]["@search.reranker_score"] > 0
    assert rows[0]["@search.captions"][0].text == "Autumn rain falls softly."
    assert rows[0]["@search.score"] > 0


def test_rows_found_by_vectors_alone_are_reranked_too(chunks: SearchClient) -> None:
    options: dict[str, Any] = {"query_type": "semantic", "semantic_configuration_name": "by-text"}
    rows = list(chunks.search("snow", vector_queries=[nearest()], **options))

    assert rows[0]["id"] == "b1"
    assert {row["id"] for row in rows} == {"a1", "a2", "b1", "b2"}
    assert all("@search.reranker_score" in row for row in rows)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("labels/any(x: x eq 'red')", "a1a2"),
        ("labels/any(x: search.in(x, 'wet|blue', '|'))", "a1b1"),
        ("not labels/any(x: x eq 'red') and id gt 'a'", "b1b2"),
        ("source ge 'a/' and source lt 'a0'", "a1a2"),
    ],
)
def test_filters_of_labels_and_of_prefixes(chunks: SearchClient, condition: str, expected: str) -> None:
    assert ids(chunks, filter=condition, order_by=["id"]) == expected
    assert ids(chunks, "rain snow sun", filter=condition, order_by=["id"], search_mode="any") == expected


def test_a_facet_counts_ten_thousand_values(chunks: SearchClient) -> None:
    rows = [{"id": f"n{number:05}", "source": f"s{number:05}"} for number in range(10_000)]
    for first in range(0, len(rows), 1_000):
        chunks.upload_documents(rows[first : first + 1_000])

    buckets = chunks.search("*", facets=["source,count:10000"], filter="id ge 'n'", top=0).get_facets()
    assert buckets is not None
    assert {bucket["value"] for bucket in buckets["source"]} == {row["source"] for row in rows}
    assert {bucket["count"] for bucket in buckets["source"]} == {1}


def test_all_keys_are_read_in_pages_by_a_filter_on_the_last_key(chunks: SearchClient) -> None:
    chunks.upload_documents([{"id": f"n{number:04}"} for number in range(996)])
    last, seen = "", []
    while rows := list(chunks.search("*", filter=f"id gt '{last}'", order_by=["id"], select=["id"], top=300)):
        seen += [row["id"] for row in rows]
        last = seen[-1]

    assert len(seen) == len(set(seen)) == 1_000
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("labels", {"type": "Edm.String"}),
        ("vector", {"vector_search_dimensions": 3}),
        ("source", {"filterable": False}),
    ],
)
def test_a_field_cannot_be_changed(
    chunks: SearchClient, indexes: SearchIndexClient, name: str, changes: dict[str, Any]
) -> None:
    index = indexes.get_index("chunks")
    field = next(field for field in index.fields if field.name == name)
    for attribute, value in changes.items():
        setattr(field, attribute, value)

    with pytest.raises(HttpResponseError, match=f"'{name}'.*cannot be changed") as refused:
        indexes.create_or_update_index(index)

    assert refused.value.status_code == 400
    assert ids(chunks, None, vector_queries=[nearest()]) == "a1b1a2b2"


def test_a_vector_field_is_added_to_an_index_with_documents(chunks: SearchClient, indexes: SearchIndexClient) -> None:
    index = indexes.get_index("chunks")
    second = SearchField(
        name="second",
        type="Collection(Edm.Single)",
        searchable=True,
        vector_search_dimensions=3,
        vector_search_profile_name="small",
    )
    index.fields.append(second)
    indexes.create_or_update_index(index)

    chunks.merge_documents([{"id": "b2", "second": [0.0, 0.0, 2.0]}])
    query = VectorizedQuery(vector=[0.0, 0.0, 1.0], k_nearest_neighbors=4, fields="second")
    assert ids(chunks, None, vector_queries=[query]) == "b2"
    assert ids(chunks, None, vector_queries=[nearest()]) == "a1b1a2b2"
