"""Both query syntaxes, filters and vectors, through the real SDK."""

import contextlib
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.search.documents import SearchClient
from azure.search.documents.models import VectorizedQuery, VectorQuery
from hypothesis import given
from hypothesis import strategies as st

from loopback.search.checks import index_from
from loopback.search.errors import ApiError
from loopback.search.lucene_syntax import parse
from tests.search.conftest import BOOKS, ids


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("green coffee", {}, "13"),
        ("green coffee", {"search_mode": "all"}, ""),
        ("green + steamed", {}, "1"),
        ("green | coffee", {"search_mode": "all"}, "13"),
        ("water + (green | coffee)", {}, "13"),
        ("tea -green", {"search_mode": "all"}, "2"),
        ("coffee -tea", {}, "34"),
        ("ferm*", {}, "2"),
        ('"black tea"', {}, "2"),
        ('"tea black"', {}, ""),
        ("boils", {}, "12"),
        ("green", {"search_fields": ["tags"]}, ""),
        ("the", {}, ""),
        ("((", {}, ""),
    ],
)
def test_the_simple_syntax(books: SearchClient, text: str, options: dict[str, Any], expected: str) -> None:
    assert "".join(sorted(ids(books, text, **options))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title:tea", "12"),
        ("title:(green OR coffee)", "13"),
        ("green AND water", "1"),
        ("tea AND NOT green", "2"),
        ("+tea -green", "2"),
        ("water && !tea", "3"),
        ('"water poured"', ""),
        ('"green steamed"~3', "1"),
        ('"green steamed"~1', ""),
        ("tags:cofee~1", "3"),
        ("tags:cofe~1", ""),
        ("tags:cof*", "3"),
        ("tags:t?a", "12"),
        ("tags:/jap.n/", "1"),
        ("title:tea^2 OR tags:coffee", "123"),
        ("*", "1234"),
        (r"green\-house OR coffee", "3"),
    ],
)
def test_the_full_syntax(books: SearchClient, text: str, expected: str) -> None:
    assert "".join(sorted(ids(books, text, query_type="full"))) == expected


def test_a_boost_changes_the_order(books: SearchClient) -> None:
    assert ids(books, "steamed^9 fermented", query_type="full") == "12"
    assert ids(books, "steamed fermented^9", query_type="full") == "21"


@pytest.mark.parametrize(
    "text", ["AND", "a AND", "(a", "a)", "nobody:x", "pages:1", "a:[1 TO 2]", '"open', "/(a+)+b/", "/(/", "a~5", "a^"]
)
def test_a_malformed_query_is_refused(books: SearchClient, text: str) -> None:
    with pytest.raises(HttpResponseError, match=r"Parameter name: search|Could not find") as refused:
        ids(books, text, query_type="full")

    assert refused.value.status_code == 400


@given(st.text(alphabet='ab AND OR NOT+-!()":~^/*?[]\\title', max_size=40))
def test_any_text_in_full_syntax_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(ApiError):
        parse(text, "any", index_from(BOOKS))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("pages gt 10 and pages le 30", "23"),
        ("10 lt pages", "23"),
        ("pages ne 10", "234"),
        ("pages eq null", "4"),
        ("not (pages eq null)", "123"),
        ("price ge 2.5", "23"),
        ("sold", "13"),
        ("not sold", "24"),
        ("sold eq false", "2"),
        ("printed lt 2026-01-20T13:30:00+01:00", "1"),
        ("printed ge 2026-01-20T12:30:00Z", "23"),
        ("tags/any(t: t eq 'tea')", "12"),
        ("tags/any(t: t eq 'japan' or t eq 'coffee')", "13"),
        ("tags/all(t: t ne 'tea')", "34"),
        ("tags/all(t: not search.in(t, 'tea,japan', ','))", "34"),
        ("tags/any()", "123"),
        ("not tags/any()", "4"),
        ("marks/any(m: m gt 1 and m lt 3)", "2"),
        ("true", "1234"),
        ("sold eq true or search.in(id, '2|4', '|') and pages gt 5", "123"),
    ],
)
def test_filters(books: SearchClient, condition: str, expected: str) -> None:
    assert ids(books, filter=condition) == expected


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ("geo.distance(x, y) lt 5", "geo.distance"),
        ("search.ismatch('tea')", "search.ismatch"),
        ("tags eq 'tea'", "tags"),
        ("tags/any(t: t gt 'a')", "'gt'"),
        ("tags/any(t: t eq 'a' and t eq 'b')", "'and'"),
        ("tags/any(t: pages eq 1)", "expected 't'"),
        ("sold gt true", "sold"),
        ("search.in(pages, '1')", "pages"),
        ("pages eq 1 " + "or pages eq 1 " * 1_500, "too complex"),
        ("not " * 300 + "sold", "levels"),
    ],
)
def test_an_unsupported_filter_is_refused_and_named(books: SearchClient, condition: str, named: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        ids(books, filter=condition)

    assert refused.value.status_code == 400
    assert named in str(refused.value)


def near(vector: list[float], fields: str = "near", k: int = 5, **options: Any) -> VectorizedQuery:
    return VectorizedQuery(vector=vector, k_nearest_neighbors=k, fields=fields, **options)


def test_a_filter_is_applied_before_or_after_the_neighbours(books: SearchClient) -> None:
    options = {"vector_queries": [near([1.0, 0.0], k=1, exhaustive=True, oversampling=4.0)], "filter": "id ne '1'"}

    assert ids(books, None, **options) == "2"
    assert ids(books, None, vector_filter_mode="preFilter", **options) == "2"
    assert ids(books, None, vector_filter_mode="postFilter", **options) == ""


def test_every_field_of_every_vector_query_is_a_ranking_of_its_own(books: SearchClient) -> None:
    queries: list[VectorQuery] = [near([1.0, 0.0], fields="near,far"), near([0.0, 1.0], weight=2.0)]
    scores = {row["id"]: row["@search.score"] for row in books.search(None, vector_queries=queries)}

    assert scores == {
        "1": pytest.approx(1 / 61 + 1 / 62 + 2 / 63),
        "2": pytest.approx(1 / 62 + 1 / 61 + 2 / 62),
        "3": pytest.approx(1 / 63 + 2 / 61),
    }


@pytest.mark.parametrize(
    "query",
    [near([1.0]), near([0.0, 0.0]), near([1.0, 0.0], fields="title"), near([1.0, 0.0], fields=""),
     near([1.0, 0.0], weight=-1.0), near([1.0, 0.0], fields=",".join(["near"] * 11))],
)  # fmt: skip
def test_a_bad_vector_query_is_refused(books: SearchClient, query: VectorizedQuery) -> None:
    with pytest.raises(HttpResponseError) as refused:
        ids(books, None, vector_queries=[query])

    assert refused.value.status_code == 400
