"""The definitions of all indexes. `python -m murmuration.services.search migrate` creates and updates them."""

from azure.search.documents.indexes import models
from azure.search.documents.indexes.models import SearchField, SearchIndex

from murmuration.services.search.index import CATALOG, KNOWLEDGE, MEMORY, index_name

SCORING_PROFILE = "headings-count"
"""The weights of a row's text fields in a search by words."""
SEMANTIC_CONFIGURATION = "reading"
"""The fields that the semantic ranker reads."""
ENGLISH = "en.lucene"
OVERSAMPLING = 4.0
"""Candidates by compressed vectors for each result; full vectors choose among them."""


def definitions(model: str, dimensions: int) -> dict[str, SearchIndex]:
    """Return every index by its kind, for embeddings of `dimensions` numbers made by `model`."""
    makers = {KNOWLEDGE: _knowledge, MEMORY: _memory, CATALOG: _catalog}
    return {kind: make(index_name(kind, model, dimensions), dimensions) for kind, make in makers.items()}


def _knowledge(name: str, dimensions: int) -> SearchIndex:
    """Define the chunks of documents. `needs_embedding` is true while a chunk has no vector yet."""
    fields = [
        _keyword("source", sortable=True, facetable=True),
        _keyword("kind"),
        _timestamp("modified"),
        _flag("needs_embedding"),
        _text("path", hidden=True),
        _text("title"),
        _text("heading"),
        _text("text"),
    ]
    index = _index(name, fields, dimensions, title="title", content="text", keywords="heading")
    # BM25 is computed per field and scores a match in a short field high, so short fields are weighted down.
    weights = {"path": 0.2, "title": 0.2, "heading": 0.5, "text": 1.0}
    profile = models.ScoringProfile(name=SCORING_PROFILE, text_weights=models.TextWeights(weights=weights))
    index.scoring_profiles = [profile]
    index.default_scoring_profile = SCORING_PROFILE
    return index


def _memory(name: str, dimensions: int) -> SearchIndex:
    """Define the memories of runs.

    `subject` is the key of what a memory is about. It was held true from `valid_from` to `valid_to`; then the memory
    `superseded_by` took its place. `asserted_at` is when a run last said so. `needs_embedding` is true while it has no
    vector yet.
    """
    fields = [
        _keyword("kind"),
        _keyword("session"),
        _keyword("run"),
        _keyword("subject"),
        _text("about"),
        _text("text"),
        _keywords("sources"),
        _number("confidence"),
        _number("importance"),
        _timestamp("created"),
        _timestamp("valid_from"),
        _timestamp("valid_to"),
        _timestamp("asserted_at"),
        _timestamp("used"),
        _timestamp("expires"),
        _keyword("superseded_by"),
        _flag("needs_embedding"),
    ]
    return _index(name, fields, dimensions, title="about", content="text")


def _catalog(name: str, dimensions: int) -> SearchIndex:
    """Define the catalog of agents and their purposes."""
    fields = [_keyword("kind"), _text("name"), _text("purpose"), _text("examples"), _keyword("version")]
    return _index(name, fields, dimensions, title="name", content="purpose", keywords="examples")


def _index(
    name: str, fields: list[SearchField], dimensions: int, *, title: str, content: str, keywords: str = ""
) -> SearchIndex:
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
    semantic_fields = models.SemanticPrioritizedFields(
        title_field=models.SemanticField(field_name=title),
        content_fields=[models.SemanticField(field_name=content)],
        keywords_fields=[models.SemanticField(field_name=keywords)] if keywords else None,
    )
    return SearchIndex(
        name=name,
        fields=[key, _keyword("tenant"), _keyword("user"), *fields, vector],
        vector_search=_vector_search(),
        semantic_search=models.SemanticSearch(
            configurations=[
                models.SemanticConfiguration(name=SEMANTIC_CONFIGURATION, prioritized_fields=semantic_fields)
            ]
        ),
    )


def _vector_search() -> models.VectorSearch:
    """Configure HNSW over vectors of one byte a number; full vectors rescore the best candidates."""
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


def _keyword(name: str, *, sortable: bool = False, facetable: bool = False) -> SearchField:
    """Define a string to filter by."""
    return SearchField(
        name=name, type="Edm.String", searchable=False, filterable=True, sortable=sortable, facetable=facetable
    )


def _keywords(name: str) -> SearchField:
    """Define a list of strings to filter by."""
    return SearchField(name=name, type="Collection(Edm.String)", searchable=False, filterable=True)


def _text(name: str, *, hidden: bool = False) -> SearchField:
    """Define an English text to search in."""
    return SearchField(name=name, type="Edm.String", searchable=True, analyzer_name=ENGLISH, hidden=hidden)


def _number(name: str) -> SearchField:
    return SearchField(name=name, type="Edm.Double", filterable=True, sortable=True)


def _timestamp(name: str) -> SearchField:
    return SearchField(name=name, type="Edm.DateTimeOffset", filterable=True, sortable=True)


def _flag(name: str) -> SearchField:
    return SearchField(name=name, type="Edm.Boolean", filterable=True)
