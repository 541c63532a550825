"""One search request: words, vectors, both by reciprocal rank fusion, filtered, ordered, paged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loopback.search import lucene_syntax, simple_syntax
from loopback.search.documents import Document
from loopback.search.facets import facets
from loopback.search.highlight import Highlighter
from loopback.search.matching import Node, Reading
from loopback.search.order import ordered
from loopback.search.parameters import Parameters, refused
from loopback.search.ranking import Filtered, Ranking, ranked
from loopback.search.semantic import reranked
from loopback.search.table import Table
from loopback.search.values import shown
from loopback.search.vectors import Rows

PAGE = 50
MAX_PAGE = 1_000
MAX_SKIP = 100_000


@dataclass(frozen=True)
class Question:
    """What is searched for by words: the tree, and what it is read on; None where no words are."""

    node: Node
    reading: Reading


def search(table: Table, body: Any) -> dict[str, Any]:
    """The answer to `search.post.search`; raises 400 naming the parameter."""
    given = Parameters(body)
    names = _selected(table, given.names("select"))
    top, skip = given.number("top"), given.number("skip") or 0
    if skip > MAX_SKIP:
        raise given.wrong("skip", f"must be at most {MAX_SKIP}")
    filtered = Filtered(table, given.text("filter"))
    question = _question(table, given, filtered.sparse)
    ranking = ranked(table, given, (question.node, question.reading) if question else None, filtered)
    answer: dict[str, Any] = {}
    if given.flag("count"):
        answer["@odata.count"] = len(ranking)
    if given.rows("facets"):
        answer["@search.facets"] = facets(table, given.rows("facets"), [row for row, _ in ranking])
    if given.text("sessionId") or given.number("minimumCoverage") is not None:
        answer["@search.coverage"] = 100.0
    extras: dict[int, Document] = {}
    if given.text("queryType") == "semantic":
        ranking, extras = reranked(table, given, ranking, answer)
    elif given.text("orderby"):
        ranking = ordered(table, str(given.text("orderby")), ranking)
    page = min(PAGE if top is None else top, MAX_PAGE)
    wanted = len(ranking) if top is None else min(len(ranking), skip + top)
    if skip + page < wanted and page:
        further = {**given.body, "skip": skip + page}
        if top is not None:
            further["top"] = top - page
        answer["@search.nextPageParameters"] = further
    answer["value"] = _documents(table, ranking[skip : skip + page], names, extras, _highlighter(given, question))
    return answer


def _question(table: Table, given: Parameters, among: Rows | None) -> Question | None:
    text = given.text("search") or ""
    full = given.text("queryType") == "full"
    mode = given.one_of("searchMode", ("any", "all"))
    fields = tuple(table.index.searchable(name, "searchFields") for name in given.names("searchFields"))
    reading = table.reading(fields or table.index.text_fields, given.text("scoringProfile"), among)
    if text.strip() in ("", "*"):
        return None
    node = lucene_syntax.parse(text, mode, table.index) if full else simple_syntax.parse(text, mode)
    return Question(node, reading)


def _highlighter(given: Parameters, question: Question | None) -> Highlighter | None:
    names = given.names("highlight")
    if not names or question is None:
        return None
    tags = (given.text("highlightPreTag") or "<em>", given.text("highlightPostTag") or "</em>")
    return Highlighter(question.reading.index, question.node.terms(question.reading), names, tags)


def _documents(
    table: Table, rows: Ranking, names: list[str], extras: Mapping[int, Document], highlighter: Highlighter | None
) -> list[Document]:
    documents = []
    for (row, score), body in zip(rows, table.documents.bodies([row for row, _ in rows]), strict=True):
        document: Document = {"@search.score": score, **extras.get(row, {})}
        if highlighter and (found := highlighter.highlights(body)):
            document["@search.highlights"] = found
        document.update(projected(table, row, body, names))
        documents.append(document)
    return documents


def projected(table: Table, row: int, body: Document, names: list[str]) -> Document:
    """The fields that were asked for; null where the document has none, an empty list for a collection."""
    result: Document = {}
    for name in names:
        field = table.index.fields[name]
        if field.is_vector:
            result[name] = table.vector(name, row) or []
        else:
            result[name] = shown(field, body.get(name, [] if field.is_collection else None))
    return result


def _selected(table: Table, names: list[str]) -> list[str]:
    if not names or names == ["*"]:
        return retrievable(table)
    for name in names:
        if not table.index.field(name, "$select").retrievable:
            raise refused(name, "retrievable", "$select")
    return names


def retrievable(table: Table) -> list[str]:
    return [field.name for field in table.index.fields.values() if field.retrievable]
