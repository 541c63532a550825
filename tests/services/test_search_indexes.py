"""Our index definitions on the search service: they are accepted, and searched as they intend."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient
from azure.search.documents.models import VectorizedQuery
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback.search.routes import make_app
from loopback.serving import in_thread
from murmuration.services.search.definitions import definitions
from murmuration.services.search.filters import quoted
from murmuration.services.search.index import KNOWLEDGE, index_name

KEY = AzureKeyCredential("secret")
MODEL = "tested"
ROWS: list[dict[str, Any]] = [
    {"id": "a", "tenant": "x", "source": "tea.md", "title": "Tea", "heading": "Tea > Water", "text": "Water boils."},
    {"id": "b", "tenant": "x", "source": "o'tea.md", "title": "Tea", "heading": "Leaves", "text": "Leaves need water."},
    {"id": "c", "tenant": "y", "source": "tea.md", "title": "Coffee", "heading": "Beans", "text": "Beans are ground."},
]
VECTORS = {"a": [1.0] + [0.0] * 7, "b": [0.6, 0.8] + [0.0] * 6, "c": [0.0, 1.0] + [0.0] * 6}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("search")
    with in_thread(lambda: make_app(folder, "secret")) as url:
        yield url


@pytest.fixture(scope="module")
def knowledge(url: str) -> Iterator[SearchClient]:
    with SearchIndexClient(url, KEY) as indexes:
        for definition in definitions(MODEL, 8).values():
            indexes.create_or_update_index(definition)
    with SearchClient(url, index_name(KNOWLEDGE, MODEL, 8), KEY) as client:
        client.upload_documents([{**row, "vector": VECTORS[row["id"]]} for row in ROWS])
        yield client


def ids(client: SearchClient, text: str | None = None, **options: Any) -> list[str]:
    return [row["id"] for row in client.search(text, **options)]


def test_every_definition_is_accepted_and_defining_it_again_changes_nothing(url: str, knowledge: SearchClient) -> None:
    with SearchIndexClient(url, KEY) as indexes:
        for kind, definition in definitions(MODEL, 8).items():
            stored = indexes.get_index(index_name(kind, MODEL, 8))
            assert indexes.create_or_update_index(definition).e_tag == stored.e_tag
            assert stored.default_scoring_profile == definition.default_scoring_profile


def test_other_dimensions_need_an_index_of_their_own(url: str, knowledge: SearchClient) -> None:
    longer = definitions(MODEL, 16)[KNOWLEDGE]
    assert longer.name != index_name(KNOWLEDGE, MODEL, 8)
    longer.name = index_name(KNOWLEDGE, MODEL, 8)

    with SearchIndexClient(url, KEY) as indexes, pytest.raises(HttpResponseError, match="cannot be changed"):
        indexes.create_or_update_index(longer)


def test_knowledge_is_found_by_stems_phrases_and_vectors(knowledge: SearchClient) -> None:
    assert ids(knowledge, "water") == ["a", "b"]
    assert ids(knowledge, "boiling") == ["a"]
    assert ids(knowledge, '"need water"') == ["b"]
    nearest = VectorizedQuery(vector=VECTORS["a"], k_nearest_neighbors=5, fields="vector")
    assert ids(knowledge, None, vector_queries=[nearest], filter="tenant eq 'x'") == ["a", "b"]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40))
def test_no_value_widens_a_filter(knowledge: SearchClient, text: str) -> None:
    assert ids(knowledge, "*", filter=f"tenant eq {quoted(text)}") == ["a", "b"] * (text == "x") + ["c"] * (text == "y")


@pytest.mark.parametrize("text", ["x' or tenant eq 'y", "' or true or '", "x''", "o'tea.md", "\\' or 1 eq 1"])
def test_a_value_with_quotes_stays_one_value(knowledge: SearchClient, text: str) -> None:
    assert ids(knowledge, "*", filter=f"tenant eq {quoted(text)}") == []
    assert ids(knowledge, "*", filter=f"source eq {quoted(text)}") == ["b"] * (text == "o'tea.md")
