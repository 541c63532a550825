"""What makes a definition of an index wrong: raises 400 that names the field or the part.

What the service knows and this one does not is refused, never ignored.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from loopback.search.analysis import ANALYZERS
from loopback.search.definitions import VECTOR, Field, Index
from loopback.search.problems import bad

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
    if not isinstance(name, str) or not _NAME.fullmatch(name) or "--" in name:
        raise bad(f"{what} name {name!r} must be lower-case letters, digits and single dashes, at most 128.")
    return name


def index_from(body: Any) -> Index:
    """Checks a definition; raises 400 naming what is wrong."""
    if not isinstance(body, dict):
        raise bad("The definition of an index must be a JSON object.")
    name = check_name(body.get("name"), "Index")
    _only(body, _PARTS, f"index '{name}'")
    rows = body.get("fields")
    if not isinstance(rows, list) or not rows or len(rows) > MAX_FIELDS:
        raise bad(f"Index '{name}' must have 1 to {MAX_FIELDS} fields. Parameter name: fields")
    fields: dict[str, Field] = {}
    for row in rows:
        field = _field(row)
        if field.name in fields:
            raise bad(f"Field '{field.name}' is defined twice.")
        fields[field.name] = field
    keys = [field for field in fields.values() if field.key]
    if len(keys) != 1 or keys[0].type != "Edm.String":
        raise bad(f"Index '{name}' must have exactly one key field, of type Edm.String.")
    index = Index(name, body, fields)
    _check_vector_search(index)
    _check_scoring(index)
    _check_semantic(index)
    return index


def _only(body: Mapping[str, Any], known: set[str], what: str) -> None:
    for part in sorted(body.keys() - known):
        if body[part] not in (None, [], {}, False):
            raise bad(f"The property '{part}' of {what} is not supported here.")


def _field(row: Any) -> Field:
    if not isinstance(row, dict) or not _FIELD.fullmatch(str(row.get("name", ""))):
        name = row.get("name") if isinstance(row, dict) else row
        raise bad(f"Field name {name!r} is not valid: letters, digits and underscores, first a letter, at most 128.")
    name, kind = str(row["name"]), str(row.get("type", ""))
    if kind not in TYPES:
        raise bad(f"Field '{name}' has type {kind!r}, which is not supported here.")
    _only(row, _ATTRIBUTES, f"field '{name}'")
    vector, collection = kind == VECTOR, kind.startswith("Collection(")
    for attribute in ("filterable", "sortable", "facetable") if vector else ("sortable",) if collection else ():
        if row.get(attribute):
            raise bad(f"Field '{name}' of type {kind} can't be {attribute}.")
    searchable = row.get("searchable")
    if searchable and not vector and "String" not in kind:
        raise bad(f"Field '{name}' of type {kind} can't be searchable.")
    analyzer = row.get("analyzer") or "standard.lucene"
    if analyzer not in ANALYZERS:
        raise bad(f"Field '{name}' has analyzer {analyzer!r}, which is not supported here; {', '.join(ANALYZERS)} are.")
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
        raise bad(f"Vector field '{name}' needs 2 to {MAX_DIMENSIONS} dimensions and a vectorSearchProfile.")
    return value


def _check_vector_search(index: Index) -> None:
    part = index.body.get("vectorSearch") or {}
    _only(part, {"algorithms", "profiles", "compressions"}, "vectorSearch")
    algorithms = {}
    for each in part.get("algorithms") or []:
        kind = each.get("kind")
        if kind not in ("hnsw", "exhaustiveKnn"):
            raise bad(f"The algorithm {each.get('name')!r} is of kind {kind!r}, which is not supported here.")
        metric = (each.get(f"{kind}Parameters") or {}).get("metric") or "cosine"
        if metric != "cosine":
            raise bad(f"The algorithm {each.get('name')!r} has metric {metric!r}: only cosine is supported here.")
        algorithms[each.get("name")] = kind
    compressions = _compressions(part.get("compressions") or [])
    profiles = {}
    for each in part.get("profiles") or []:
        _only(each, {"name", "algorithm", "compression"}, f"vector search profile {each.get('name')!r}")
        if each.get("algorithm") not in algorithms:
            raise bad(
                f"The profile {each.get('name')!r} names an algorithm {each.get('algorithm')!r} that is not there."
            )
        if each.get("compression") and each["compression"] not in compressions:
            raise bad(
                f"The profile {each.get('name')!r} names a compression {each['compression']!r} that is not there."
            )
        profiles[each.get("name")] = each
    for field in index.vector_fields:
        if field.profile not in profiles:
            raise bad(f"The field '{field.name}' names a vectorSearchProfile {field.profile!r} that is not there.")


def _compressions(rows: Sequence[Mapping[str, Any]]) -> set[Any]:
    """Their names. They are kept and shown; nothing is compressed, so nothing needs rescoring."""
    for row in rows:
        if row.get("kind") not in ("scalarQuantization", "binaryQuantization") or not row.get("name"):
            kind = row.get("kind")
            raise bad(f"The compression {row.get('name')!r} is of kind {kind!r}, which is not supported here.")
    return {row["name"] for row in rows}


def _check_scoring(index: Index) -> None:
    similarity = index.body.get("similarity") or {"@odata.type": _BM25}
    if similarity.get("@odata.type") != _BM25 or similarity.get("k1") or similarity.get("b"):
        raise bad("Only BM25 with its default k1 and b is supported here. Parameter name: similarity")
    profiles = index.body.get("scoringProfiles") or []
    for profile in profiles:
        if profile.get("functions"):
            raise bad(f"The scoring profile {profile.get('name')!r} has functions, which are not supported here.")
        for name, weight in ((profile.get("text") or {}).get("weights") or {}).items():
            index.searchable(name, f"scoringProfiles, {profile.get('name')}")
            if not isinstance(weight, int | float) or weight <= 0:
                raise bad(f"The weight of '{name}' in profile {profile.get('name')!r} must be above 0, not {weight!r}.")
    if index.body.get("defaultScoringProfile") not in (None, *(profile.get("name") for profile in profiles)):
        raise bad(f"The defaultScoringProfile {index.body['defaultScoringProfile']!r} is not there.")


def _check_semantic(index: Index) -> None:
    for each in (index.body.get("semantic") or {}).get("configurations") or []:
        fields = each.get("prioritizedFields") or {}
        title = [fields["titleField"]] if fields.get("titleField") else []
        content, keywords = fields.get("prioritizedContentFields") or [], fields.get("prioritizedKeywordsFields") or []
        if not each.get("name") or not (title or content or keywords):
            raise bad(f"The semantic configuration {each.get('name')!r} needs a name and a field.")
        for row in [*title, *content, *keywords]:
            index.searchable(str(row.get("fieldName")), f"semantic, {each['name']}")
