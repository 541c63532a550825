"""A search service, and an index of books with every kind of field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient

from loopback.search.routes import make_app
from loopback.serving import in_thread

KEY = AzureKeyCredential("secret")
BOOKS: dict[str, Any] = {
    "name": "books",
    "fields": [
        {"name": "id", "type": "Edm.String", "key": True, "searchable": False},
        {"name": "title", "type": "Edm.String", "analyzer": "en.lucene", "sortable": True},
        {"name": "text", "type": "Edm.String", "analyzer": "en.lucene"},
        {"name": "tags", "type": "Collection(Edm.String)"},
        {"name": "pages", "type": "Edm.Int32"},
        {"name": "marks", "type": "Collection(Edm.Int32)"},
        {"name": "price", "type": "Edm.Double"},
        {"name": "sold", "type": "Edm.Boolean"},
        {"name": "printed", "type": "Edm.DateTimeOffset"},
        {"name": "near", "type": "Collection(Edm.Single)", "dimensions": 2, "vectorSearchProfile": "cosine"},
        {"name": "far", "type": "Collection(Edm.Single)", "dimensions": 2, "vectorSearchProfile": "cosine"},
    ],
    "vectorSearch": {
        "algorithms": [{"name": "hnsw", "kind": "hnsw"}],
        "profiles": [{"name": "cosine", "algorithm": "hnsw"}],
    },
    "semantic": {
        "defaultConfiguration": "all",
        "configurations": [
            {
                "name": "all",
                "prioritizedFields": {
                    "titleField": {"fieldName": "title"},
                    "prioritizedContentFields": [{"fieldName": "text"}],
                    "prioritizedKeywordsFields": [{"fieldName": "tags"}],
                },
            }
        ],
    },
}
ROWS: list[dict[str, Any]] = [
    {"id": "1", "title": "Green tea", "text": "Green tea is steamed. Water must not boil.", "tags": ["tea", "japan"],
     "pages": 10, "marks": [1, 5], "price": 1.5, "sold": True, "printed": "2026-01-15T00:00:00Z",
     "near": [1.0, 0.0], "far": [0.0, 1.0]},
    {"id": "2", "title": "Black tea", "text": "Black tea is fermented. Boiling water is poured on it.", "tags": ["tea"],
     "pages": 20, "marks": [2], "price": 2.5, "sold": False, "printed": "2026-01-20T12:30:00Z",
     "near": [0.6, 0.8], "far": [1.0, 0.0]},
    {"id": "3", "title": "Coffee", "text": "Beans are roasted, then ground. Water of any kind.", "tags": ["coffee"],
     "pages": 30, "marks": [], "price": 9.0, "sold": True, "printed": "2026-03-01T00:00:00Z", "near": [0.0, 1.0]},
    {"id": "4", "title": "Nothing", "text": "An empty cup."},
]  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with in_thread(lambda: make_app(tmp_path, "secret")) as url:
        yield url


@pytest.fixture
def indexes(server: str) -> Iterator[SearchIndexClient]:
    with SearchIndexClient(server, KEY) as client:
        yield client


@pytest.fixture
def books(server: str, indexes: SearchIndexClient) -> Iterator[SearchClient]:
    indexes.create_index(BOOKS)
    with SearchClient(server, "books", KEY) as client:
        client.upload_documents(ROWS)
        yield client


def ids(client: SearchClient, text: str | None = "*", **options: Any) -> str:
    """Return the ids of the results, joined, in their order."""
    return "".join(row["id"] for row in client.search(text, **options))
