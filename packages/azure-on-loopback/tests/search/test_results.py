"""Results: order, facets, highlights, semantic ranking, values."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.search.documents import SearchClient

from tests.search.conftest import ids


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["price desc"], "3214"),
        (["price"], "4123"),
        (["sold desc", "pages desc"], "3124"),
        (["search.score() desc", "id desc"], "4321"),
        (["printed"], "4123"),
    ],
)
def test_results_are_ordered(books: SearchClient, order: list[str], expected: str) -> None:
    assert ids(books, order_by=order) == expected


@pytest.mark.parametrize(
    ("facet", "expected"),
    [
        ("tags", [("tea", 2), ("coffee", 1), ("japan", 1)]),
        ("tags,count:1", [("tea", 2)]),
        ("tags,sort:value", [("coffee", 1), ("japan", 1), ("tea", 2)]),
        ("tags,sort:-value", [("tea", 2), ("japan", 1), ("coffee", 1)]),
        ("tags,sort:-count,count:2", [("coffee", 1), ("japan", 1)]),
        ("sold", [(True, 2), (False, 1)]),
        ("pages,interval:20", [(0, 1), (20, 2)]),
        ("printed,interval:month", [("2026-01-01T00:00:00Z", 2), ("2026-03-01T00:00:00Z", 1)]),
        ("printed,interval:year", [("2026-01-01T00:00:00Z", 3)]),
    ],
)  # fmt: skip
def test_facets(books: SearchClient, facet: str, expected: list[tuple[Any, int]]) -> None:
    facets = books.search("*", facets=[facet], top=0).get_facets()

    assert facets is not None
    assert [(bucket["value"], bucket["count"]) for bucket in facets[facet.split(",")[0]]] == expected


def test_facets_of_ranges(books: SearchClient) -> None:
    facets = books.search("water", facets=["price,values:2|5"]).get_facets()

    assert facets == {
        "price": [{"count": 1, "to": 2.0}, {"count": 1, "from": 2.0, "to": 5.0}, {"count": 1, "from": 5.0}]
    }


def test_highlights(books: SearchClient) -> None:
    rows = {row["id"]: row for row in books.search("boil tea", highlight_fields="text-1,tags")}

    assert rows["1"]["@search.highlights"] == {"text": ["Green <em>tea</em> is steamed."], "tags": ["<em>tea</em>"]}
    options: dict[str, Any] = {"highlight_fields": "text", "highlight_pre_tag": "[", "highlight_post_tag": "]"}
    rows = {row["id"]: row for row in books.search("boil", **options)}
    assert rows["2"]["@search.highlights"] == {"text": ["[Boiling] water is poured on it."]}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"order_by": ["text upward"]}, "text upward"),
        ({"order_by": ["tags"]}, "tags"),
        ({"facets": ["pages,interval:month"]}, "interval:month"),
        ({"facets": ["near"]}, "near"),
        ({"facets": ["tags,most:3"]}, "most:3"),
        ({"highlight_fields": "pages"}, "pages"),
        ({"skip": 100_001}, "skip"),
        ({"search_fields": ["pages"]}, "pages"),
        ({"debug": "all"}, "debug"),
        ({"scoring_parameters": ["a-1"]}, "scoringParameters"),
        ({"query_type": "semantic", "semantic_configuration_name": "none"}, "none"),
        ({"query_type": "semantic", "query_answer": "extractive", "query_answer_count": 11}, "answers"),
    ],
)
def test_an_unsupported_parameter_is_refused_and_named(
    books: SearchClient, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(HttpResponseError) as refused:
        ids(books, "water", **options)

    assert refused.value.status_code == 400
    assert named in str(refused.value)


def test_semantic_ranking_puts_the_document_with_most_words_of_the_question_first(books: SearchClient) -> None:
    results = books.search(
        "is boiling water poured on black tea",
        query_type="semantic",
        query_caption="extractive",
        query_answer="extractive",
        query_answer_count=2,
        query_answer_threshold=0.3,
    )
    rows = list(results)
    answers = results.get_answers()

    assert rows[0]["id"] == "2"
    scores = [row["@search.reranker_score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 4 for score in scores)
    caption = rows[0]["@search.captions"][0]
    assert caption.text == "Boiling water is poured on it."
    assert caption.highlights == "<em>Boiling</em> <em>water</em> is <em>poured</em> on it."
    assert answers is not None
    assert answers[0].key == "2"


def test_returned_timestamps_vectors_and_missing_values(books: SearchClient) -> None:
    first, last = books.get_document("1"), books.get_document("4")

    assert first["printed"] == "2026-01-15T00:00:00Z"
    assert first["near"] == [1.0, 0.0]
    assert (last["pages"], last["tags"], last["near"]) == (None, [], [])
