"""Checks of index definitions: a wrong one raises 400, which names the field or the part.

Features that Azure has and this service has not are refused, never ignored.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from loopback.search.analysis import ANALYZERS
from loopback.search.definitions import VECTOR, Field, Index
from loopback.search.errors import bad_request

_BASES = ("Edm.String", "Edm.Int32", "Edm.Int64", "Edm.Double", "Edm.Boolean", "Edm.DateTimeOffset")
TYPES = {*_BASES, *(f"Collection({base})" for base in _BASES), VECTOR}
MAX_DIMENSIONS = 4096
MAX_FIELDS = 1_000
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_PARTS = {
    "name", "fields", "description", "scoringProfiles", "defaultScoringProfile", "corsOptions", "similarity",
    "semantic", "vectorSearch", "@odata.etag", "@odata.context",
}  # fmt: skip
_ATTRIBUTES = {
    "name", "type", "key", "searchable", "filterable", "sortable", "facetable", "retrievable", "stored", "analyzer",
    "dimensions", "vectorSearchProfile",
}  # fmt: skip
_BM25 = "#Microsoft.Azure.Search.BM25Similarity"


def check_name(name: Any, what: str) -> str:
    """Return the name of an index or alias; raises 400 when Azure would not take it."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or "--" in name:
        raise bad_request(f"{what} name {name!r} must be lower-case letters, digits and single dashes, at most 128.")
    return name


def index_from(body: Any) -> Index:
    """Make an index from its definition; raises 400 naming what is wrong."""
    if not isinstance(body, dict):
        raise bad_request("The definition of an index must be a JSON object.")
    name = check_name(body.get("name"), "Index")
    _refuse_others(body, _PARTS, f"index '{name}'")
    rows = body.get("fields")
    if not isinstance(rows, list) or not rows or len(rows) > MAX_FIELDS:
        raise bad_request(f"Index '{name}' must have 1 to {MAX_FIELDS} fields. Parameter name: fields")
    fields: dict[str, Field] = {}
    for row in rows:
        field = _field(row)
        if field.name in fields:
            raise bad_request(f"Field '{field.name}' is defined twice.")
        fields[field.name] = field
    keys = [field for field in fields.values() if field.key]
    if len(keys) != 1 or keys[0].type != "Edm.String":
        raise bad_request(f"Index '{name}' must have exactly one key field, of type Edm.String.")
    index = Index(name, body, fields)
    _check_vector_search(index)
    _check_scoring(index)
    _check_semantic(index)
    return index


def _refuse_others(body: Mapping[str, Any], supported: set[str], what: str) -> None:
    for part in sorted(body.keys() - supported):
        if body[part] not in (None, [], {}, False):
            raise bad_request(f"The property '{part}' of {what} is not supported here.")


def _field(row: Any) -> Field:
    if not isinstance(row, dict) or not _FIELD.fullmatch(str(row.get("name", ""))):
        name = row.get("name") if isinstance(row, dict) else row
        raise bad_request(
            f"Field name {name!r} is not valid: letters, digits and underscores, first a letter, at most 128."
        )
    name, kind = str(row["name"]), str(row.get("type", ""))
    if kind not in TYPES:
        raise bad_request(f"Field '{name}' has type {kind!r}, which is not supported here.")
    _refuse_others(row, _ATTRIBUTES, f"field '{name}'")
    vector, collection = kind == VECTOR, kind.startswith("Collection(")
    for attribute in ("filterable", "sortable", "facetable") if vector else ("sortable",) if collection else ():
        if row.get(attribute):
            raise bad_request(f"Field '{name}' of type {kind} can't be {attribute}.")
    searchable = row.get("searchable")
    if searchable and not vector and "String" not in kind:
        raise bad_request(f"Field '{name}' of type {kind} can't be searchable.")
    analyzer = row.get("analyzer") or "standard.lucene"
    if analyzer not in ANALYZERS:
        raise bad_request(
            f"Field '{name}' has analyzer {analyzer!r}, which is not supported here; {', '.join(ANALYZERS)} are."
        )
    return Field(
        name=name,
        type=kind,
        key=bool(row.get("key")),
        searchable=("String" in kind or vector) if searchable is None else bool(searchable),
        filterable=_flag(row, "filterable", default=not vector),
        sortable=_flag(row, "sortable", default=not collection),
        facetable=_flag(row, "facetable", default=not vector),
        retrievable=_flag(row, "retrievable", default=True),
        dimensions=_dimensions(name, row) if vector else 0,
        profile=str(row.get("vectorSearchProfile") or ""),
        analyzer=str(analyzer),
    )


def _flag(row: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = row.get(name)
    return default if value is None else bool(value)


def _dimensions(name: str, row: Mapping[str, Any]) -> int:
    value = row.get("dimensions")
    if not isinstance(value, int) or not 2 <= value <= MAX_DIMENSIONS or not row.get("vectorSearchProfile"):
        raise bad_request(f"Vector field '{name}' needs 2 to {MAX_DIMENSIONS} dimensions and a vectorSearchProfile.")
    return value


def _check_vector_search(index: Index) -> None:
    part = index.body.get("vectorSearch") or {}
    _refuse_others(part, {"algorithms", "profiles", "compressions"}, "vectorSearch")
    algorithms = {}
    for algorithm in part.get("algorithms") or []:
        name, kind = algorithm.get("name"), algorithm.get("kind")
        if kind not in ("hnsw", "exhaustiveKnn"):
            raise bad_request(f"The algorithm {name!r} is of kind {kind!r}, which is not supported here.")
        metric = (algorithm.get(f"{kind}Parameters") or {}).get("metric") or "cosine"
        if metric != "cosine":
            raise bad_request(f"The algorithm {name!r} has metric {metric!r}: only cosine is supported here.")
        algorithms[name] = kind
    compressions = _compressions(part.get("compressions") or [])
    profiles = {}
    for profile in part.get("profiles") or []:
        name = profile.get("name")
        _refuse_others(profile, {"name", "algorithm", "compression"}, f"vector search profile {name!r}")
        if profile.get("algorithm") not in algorithms:
            raise bad_request(f"The profile {name!r} names an unknown algorithm {profile.get('algorithm')!r}.")
        if profile.get("compression") and profile["compression"] not in compressions:
            raise bad_request(f"The profile {name!r} names an unknown compression {profile['compression']!r}.")
        profiles[name] = profile
    for field in index.vector_fields:
        if field.profile not in profiles:
            raise bad_request(f"The field '{field.name}' names an unknown vectorSearchProfile {field.profile!r}.")


def _compressions(rows: Sequence[Mapping[str, Any]]) -> set[Any]:
    """Return the names of the compressions. They are stored and shown, but change nothing: the search is exact."""
    for row in rows:
        if row.get("kind") not in ("scalarQuantization", "binaryQuantization") or not row.get("name"):
            kind = row.get("kind")
            raise bad_request(f"The compression {row.get('name')!r} is of kind {kind!r}, which is not supported here.")
    return {row["name"] for row in rows}


def _check_scoring(index: Index) -> None:
    similarity = index.body.get("similarity") or {"@odata.type": _BM25}
    if similarity.get("@odata.type") != _BM25 or similarity.get("k1") or similarity.get("b"):
        raise bad_request("Only BM25 with its default k1 and b is supported here. Parameter name: similarity")
    profiles = index.body.get("scoringProfiles") or []
    for profile in profiles:
        name = profile.get("name")
        if profile.get("functions"):
            raise bad_request(f"The scoring profile {name!r} has functions, which are not supported here.")
        for field, weight in ((profile.get("text") or {}).get("weights") or {}).items():
            index.searchable(field, f"scoringProfiles, {name}")
            if not isinstance(weight, int | float) or weight <= 0:
                raise bad_request(f"The weight of '{field}' in profile {name!r} must be above 0, not {weight!r}.")
    default = index.body.get("defaultScoringProfile")
    if default not in (None, *(profile.get("name") for profile in profiles)):
        raise bad_request(f"The defaultScoringProfile {default!r} is not defined.")


def _check_semantic(index: Index) -> None:
    for configuration in (index.body.get("semantic") or {}).get("configurations") or []:
        name, fields = configuration.get("name"), configuration.get("prioritizedFields") or {}
        title = [fields["titleField"]] if fields.get("titleField") else []
        content, keywords = fields.get("prioritizedContentFields") or [], fields.get("prioritizedKeywordsFields") or []
        if not name or not (title or content or keywords):
            raise bad_request(f"The semantic configuration {name!r} needs a name and a field.")
        for row in [*title, *content, *keywords]:
            index.searchable(str(row.get("fieldName")), f"semantic, {name}")
