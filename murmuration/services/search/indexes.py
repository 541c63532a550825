"""The indexes, defined once. `python -m murmuration.services.search migrate` creates, updates and fills them.

An index's name says by which model its vectors were made and how long they are, so that two models never mix: settings
with another model mean another index, which `migrate` makes beside the old one.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.search.documents.indexes.models import SearchField, SearchIndex, VectorSearch

KNOWLEDGE = "knowledge"
MEMORY = "memory"
CATALOG = "catalog"
KINDS = (KNOWLEDGE, MEMORY, CATALOG)
HEADINGS_COUNT = "headings-count"
"""The scoring profile by which words in titles and headings count more than words in the text."""
SEMANTIC = "reading"
"""The semantic configuration: what the ranker reads of a row."""
ENGLISH = "en.lucene"
OVERSAMPLING = 4.0
"""Candidates that compressed vectors propose, for each that full ones then choose."""


def index_name(kind: str, model: str, dimensions: int) -> str:
    """`knowledge-text-embedding-3-small-1536`: lower-case letters, digits and single hyphens, as the service wants."""
    plain = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")
    return f"{kind}-{plain[:80]}-{dimensions}"


def definitions(model: str, dimensions: int) -> "dict[str, SearchIndex]":
    """Every index by its kind, for embeddings of `dimensions` numbers made by `model`."""
    makers = {KNOWLEDGE: _knowledge, MEMORY: _memory, CATALOG: _catalog}
    return {kind: make(index_name(kind, model, dimensions), dimensions) for kind, make in makers.items()}


def _knowledge(name: str, dimensions: int) -> "SearchIndex":
    """Chunks of documents; `lacks`: "vector" while one could not be embedded."""
    from azure.search.documents.indexes.models import ScoringProfile, TextWeights

    fields = [
        _fact("source", sortable=True, facetable=True),
        _fact("kind"),
        _instant("modified"),
        _fact("lacks"),
        _text("path", hidden=True),
        _text("title"),
        _text("heading"),
        _text("text"),
    ]
    index = _index(name, fields, dimensions, title="title", content="text", keywords="heading")
    # Every field has a BM25 of its own, and few words in short fields score high: these must count for less, not more.
    weights = {"path": 0.2, "title": 0.2, "heading": 0.5, "text": 1.0}
    index.scoring_profiles = [ScoringProfile(name=HEADINGS_COUNT, text_weights=TextWeights(weights=weights))]
    index.default_scoring_profile = HEADINGS_COUNT
    return index


def _memory(name: str, dimensions: int) -> "SearchIndex":
    """What runs have learned.

    `subject`: the key of what it is about; `valid_from` to `valid_to`: while it was held true, `superseded_by` what
    held then; `asserted_at`: when a run said so last; `lacks`: "vector" while it could not be embedded.
    """
    fields = [
        _fact("kind"),
        _fact("session"),
        _fact("run"),
        _fact("subject"),
        _text("about"),
        _text("text"),
        _facts("sources"),
        _number("confidence"),
        _number("importance"),
        _instant("created"),
        _instant("valid_from"),
        _instant("valid_to"),
        _instant("asserted_at"),
        _instant("used"),
        _instant("expires"),
        _fact("superseded_by"),
        _fact("lacks"),
    ]
    return _index(name, fields, dimensions, title="about", content="text")


def _catalog(name: str, dimensions: int) -> "SearchIndex":
    """Agents, and what they are good for."""
    fields = [_fact("kind"), _text("name"), _text("purpose"), _text("examples"), _fact("version")]
    return _index(name, fields, dimensions, title="name", content="purpose", keywords="examples")


def _index(
    name: str, fields: "list[SearchField]", dimensions: int, *, title: str, content: str, keywords: str = ""
) -> "SearchIndex":
    from azure.search.documents.indexes import models

    key = models.SearchField(name="id", type="Edm.String", key=True, filterable=True, sortable=True)
    vector = models.SearchField(
        name="vector",
        type="Collection(Edm.Single)",
        searchable=True,
        stored=False,
        hidden=True,
        vector_search_dimensions=dimensions,
        vector_search_profile_name="cosine",
    )
    read = models.SemanticPrioritizedFields(
        title_field=models.SemanticField(field_name=title),
        content_fields=[models.SemanticField(field_name=content)],
        keywords_fields=[models.SemanticField(field_name=keywords)] if keywords else None,
    )
    return models.SearchIndex(
        name=name,
        fields=[key, _fact("tenant"), _fact("user"), *fields, vector],
        vector_search=_vector_search(),
        semantic_search=models.SemanticSearch(
            configurations=[models.SemanticConfiguration(name=SEMANTIC, prioritized_fields=read)]
        ),
    )


def _vector_search() -> "VectorSearch":
    """HNSW over vectors of one byte a number; the best are compared again with their full numbers."""
    from azure.search.documents.indexes import models

    return models.VectorSearch(
        algorithms=[models.HnswAlgorithmConfiguration(name="hnsw", parameters=models.HnswParameters(metric="cosine"))],
        compressions=[
            models.ScalarQuantizationCompression(
                compression_name="bytes",
                parameters=models.ScalarQuantizationParameters(quantized_data_type="int8"),
                rescoring_options=models.RescoringOptions(
                    enable_rescoring=True,
                    default_oversampling=OVERSAMPLING,
                    rescore_storage_method="preserveOriginals",
                ),
            )
        ],
        profiles=[
            models.VectorSearchProfile(name="cosine", algorithm_configuration_name="hnsw", compression_name="bytes")
        ],
    )


def _fact(name: str, *, sortable: bool = False, facetable: bool = False) -> "SearchField":
    """A string to filter by."""
    from azure.search.documents.indexes.models import SearchField

    return SearchField(
        name=name, type="Edm.String", searchable=False, filterable=True, sortable=sortable, facetable=facetable
    )


def _facts(name: str) -> "SearchField":
    """Strings to filter by."""
    from azure.search.documents.indexes.models import SearchField

    return SearchField(name=name, type="Collection(Edm.String)", searchable=False, filterable=True)


def _text(name: str, *, hidden: bool = False) -> "SearchField":
    """English text to search in."""
    from azure.search.documents.indexes.models import SearchField

    return SearchField(name=name, type="Edm.String", searchable=True, analyzer_name=ENGLISH, hidden=hidden)


def _number(name: str) -> "SearchField":
    from azure.search.documents.indexes.models import SearchField

    return SearchField(name=name, type="Edm.Double", filterable=True, sortable=True)


def _instant(name: str) -> "SearchField":
    from azure.search.documents.indexes.models import SearchField

    return SearchField(name=name, type="Edm.DateTimeOffset", filterable=True, sortable=True)
