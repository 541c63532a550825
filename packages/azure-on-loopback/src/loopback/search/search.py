"""One search request: by words, by vectors or both, filtered, ordered and paged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loopback.search import lucene_syntax, simple_syntax
from loopback.search.documents import Document
from loopback.search.facets import count_facets
from loopback.search.highlight import Highlighter
from loopback.search.matching import Node, QueryContext
from loopback.search.order import in_order
from loopback.search.parameters import Parameters, lacks_attribute
from loopback.search.ranking import FilteredRows, Ranking, rank
from loopback.search.semantic import rerank
from loopback.search.table import Table
from loopback.search.values import returned_value
from loopback.search.vectors import Rows

DEFAULT_PAGE = 50
MAX_PAGE = 1_000
MAX_SKIP = 100_000


@dataclass(frozen=True)
class TextQuery:
    """The parsed text of a request, and the context it is evaluated in."""

    node: Node
    context: QueryContext


def search(table: Table, body: Any) -> dict[str, Any]:
    """Answer `search.post.search`; raises 400 naming the parameter."""
    parameters = Parameters(body)
    names = _selected(table, parameters.names("select"))
    top, skip = parameters.number("top"), parameters.number("skip") or 0
    if skip > MAX_SKIP:
        raise parameters.invalid("skip", f"must be at most {MAX_SKIP}")
    filtered = FilteredRows(table, parameters.text("filter"))
    query = _text_query(table, parameters, filtered.few)
    ranking = rank(table, parameters, (query.node, query.context) if query else None, filtered)
    answer: dict[str, Any] = {}
    if parameters.flag("count"):
        answer["@odata.count"] = len(ranking)
    if parameters.items("facets"):
        answer["@search.facets"] = count_facets(table, parameters.items("facets"), [row for row, _ in ranking])
    if parameters.text("sessionId") or parameters.number("minimumCoverage") is not None:
        answer["@search.coverage"] = 100.0
    extras: dict[int, Document] = {}
    if parameters.text("queryType") == "semantic":
        ranking, extras = rerank(table, parameters, ranking, answer)
    elif parameters.text("orderby"):
        ranking = in_order(table, str(parameters.text("orderby")), ranking)
    page = min(DEFAULT_PAGE if top is None else top, MAX_PAGE)
    last = len(ranking) if top is None else min(len(ranking), skip + top)
    if skip + page < last and page:
        next_page = {**parameters.body, "skip": skip + page}
        if top is not None:
            next_page["top"] = top - page
        answer["@search.nextPageParameters"] = next_page
    answer["value"] = _documents(table, ranking[skip : skip + page], names, extras, _highlighter(parameters, query))
    return answer


def _text_query(table: Table, parameters: Parameters, few: Rows | None) -> TextQuery | None:
    """Parse the text of the request; None when it has no words."""
    text = parameters.text("search") or ""
    full = parameters.text("queryType") == "full"
    mode = parameters.one_of("searchMode", ("any", "all"))
    fields = tuple(table.index.searchable(name, "searchFields") for name in parameters.names("searchFields"))
    context = table.query_context(fields or table.index.text_fields, parameters.text("scoringProfile"), few)
    if text.strip() in ("", "*"):
        return None
    node = lucene_syntax.parse(text, mode, table.index) if full else simple_syntax.parse(text, mode)
    return TextQuery(node, context)


def _highlighter(parameters: Parameters, query: TextQuery | None) -> Highlighter | None:
    entries = parameters.names("highlight")
    if not entries or query is None:
        return None
    tags = (parameters.text("highlightPreTag") or "<em>", parameters.text("highlightPostTag") or "</em>")
    return Highlighter(query.context.index, query.node.terms(query.context), entries, tags)


def _documents(
    table: Table, ranking: Ranking, names: list[str], extras: Mapping[int, Document], highlighter: Highlighter | None
) -> list[Document]:
    documents = []
    for (row, score), body in zip(ranking, table.documents.bodies([row for row, _ in ranking]), strict=True):
        document: Document = {"@search.score": score, **extras.get(row, {})}
        if highlighter and (highlights := highlighter.highlights(body)):
            document["@search.highlights"] = highlights
        document.update(project(table, row, body, names))
        documents.append(document)
    return documents


def project(table: Table, row: int, body: Document, names: list[str]) -> Document:
    """Return the selected fields; a missing value is null, or an empty list in a collection."""
    result: Document = {}
    for name in names:
        field = table.index.fields[name]
        if field.is_vector:
            result[name] = table.vector(name, row) or []
        else:
            result[name] = returned_value(field, body.get(name, [] if field.is_collection else None))
    return result


def _selected(table: Table, names: list[str]) -> list[str]:
    if not names or names == ["*"]:
        return retrievable_fields(table)
    for name in names:
        if not table.index.field(name, "$select").retrievable:
            raise lacks_attribute(name, "retrievable", "$select")
    return names


def retrievable_fields(table: Table) -> list[str]:
    return [field.name for field in table.index.fields.values() if field.retrievable]
