"""The indexes, defined once. `python -m services.search migrate` creates or updates them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.search.documents.indexes.models import SearchField, SearchIndex

KNOWLEDGE = "knowledge"
MEMORY = "memory"
HEADINGS_COUNT = "headings-count"
"""The scoring profile by which words in titles and headings count more than words in the text."""
ENGLISH = "en.lucene"


def definitions(dimensions: int) -> "tuple[SearchIndex, SearchIndex]":
    """Both indexes, for embeddings of `dimensions` numbers."""
    return _knowledge(dimensions), _memory(dimensions)


def _knowledge(dimensions: int) -> "SearchIndex":
    """Chunks of documents."""
    from azure.search.documents.indexes.models import ScoringProfile, TextWeights

    index = _index(
        KNOWLEDGE,
        [
            _fact("source", sortable=True),
            _text("path", stored=False),
            _text("title"),
            _text("heading"),
            _text("text"),
        ],
        dimensions,
    )
    # Every field has a BM25 of its own, and few words in short fields score high: these must count for less, not more.
    weights = {"path": 0.2, "title": 0.2, "heading": 0.5, "text": 1.0}
    index.scoring_profiles = [ScoringProfile(name=HEADINGS_COUNT, text_weights=TextWeights(weights=weights))]
    index.default_scoring_profile = HEADINGS_COUNT
    return index


def _memory(dimensions: int) -> "SearchIndex":
    """What runs have learned.

    `subject`: the key of what it is about; `valid_to` and `superseded_by`: since when something newer holds;
    `lacks`: "vector" while it could not be embedded.
    """
    fields = [
        _fact("kind"),
        _fact("run"),
        _fact("subject"),
        _text("goal"),
        _text("text"),
        _number("importance"),
        _instant("created"),
        _instant("used"),
        _instant("expires"),
        _instant("valid_to"),
        _fact("superseded_by"),
        _fact("lacks"),
    ]
    return _index(MEMORY, fields, dimensions)


def _index(name: str, fields: "list[SearchField]", dimensions: int) -> "SearchIndex":
    from azure.search.documents.indexes.models import (
        HnswAlgorithmConfiguration,
        HnswParameters,
        SearchField,
        SearchIndex,
        VectorSearch,
        VectorSearchProfile,
    )

    key = SearchField(name="id", type="Edm.String", key=True, filterable=True, sortable=True)
    vector = SearchField(
        name="vector",
        type="Collection(Edm.Single)",
        searchable=True,
        stored=False,
        hidden=True,
        vector_search_dimensions=dimensions,
        vector_search_profile_name="cosine",
    )
    return SearchIndex(
        name=name,
        fields=[key, _fact("tenant"), *fields, vector],
        vector_search=VectorSearch(
            algorithms=[HnswAlgorithmConfiguration(name="hnsw", parameters=HnswParameters(metric="cosine"))],
            profiles=[VectorSearchProfile(name="cosine", algorithm_configuration_name="hnsw")],
        ),
    )


def _fact(name: str, *, sortable: bool = False) -> "SearchField":
    """A string to filter by."""
    from azure.search.documents.indexes.models import SearchField

    return SearchField(name=name, type="Edm.String", searchable=False, filterable=True, sortable=sortable)


def _text(name: str, *, stored: bool = True) -> "SearchField":
    """English text to search in."""
    from azure.search.documents.indexes.models import SearchField

    return SearchField(name=name, type="Edm.String", searchable=True, analyzer_name=ENGLISH, hidden=not stored)


def _number(name: str) -> "SearchField":
    from azure.search.documents.indexes.models import SearchField

    return SearchField(name=name, type="Edm.Double", filterable=True, sortable=True)


def _instant(name: str) -> "SearchField":
    from azure.search.documents.indexes.models import SearchField

    return SearchField(name=name, type="Edm.DateTimeOffset", filterable=True, sortable=True)
