"""`queryType=semantic`: a deterministic stand-in for the service's reranker, its captions and its answers.

The score, 0 to 4, is how much of the question's words a document has: in all its fields (half), in its best sentence
(a third), in its title (the rest); a rare word counts more than one that most of the candidates have. It has the form
and the bounds of the service's score, not its judgement.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from loopback.search.analysis import tokens
from loopback.search.definitions import Semantic
from loopback.search.documents import Document
from loopback.search.highlight import sentences, tagged
from loopback.search.parameters import Parameters
from loopback.search.problems import bad
from loopback.search.ranking import Ranking
from loopback.search.table import Table

RERANKED = 50
MOST = 4.0
ENGLISH = "en.lucene"
_OPTION = re.compile(r"(extractive|none)(?:\|(.+))?")
_TAGS = ("<em>", "</em>")


@dataclass(frozen=True)
class _Read:
    """One candidate: its score, and the sentence that says most with how much of the question is in it, 0 to 1."""

    row: int
    key: str
    score: float
    sentence: str
    share: float


def reranked(
    table: Table, given: Parameters, ranking: Ranking, answer: dict[str, Any]
) -> tuple[Ranking, dict[int, Document]]:
    """The best 50 in a new order and what is said of each; the others stay behind them. Adds answers to `answer`."""
    settings = table.index.semantic(given.text("semanticConfiguration"))
    captions = _options(given, "captions", {"highlight"})
    answers = _options(given, "answers", {"count", "threshold"})
    question = given.text("semanticQuery") or given.text("search") or ""
    if not question.strip("* "):
        raise bad("Semantic ranking needs a text to rank by. Parameter name: search")
    terms = {term for term, _, _ in tokens(ENGLISH, question) if term}
    rows = [row for row, _ in ranking[:RERANKED]]
    read = _all_read(table, settings, terms, rows)
    scores = dict(ranking)
    best = sorted(read, key=lambda each: -each.score)
    extras: dict[int, Document] = {}
    for each in best:
        extras[each.row] = {"@search.rerankerScore": round(each.score, 6)}
        if captions is not None:
            extras[each.row]["@search.captions"] = [_caption(each, terms, captions.get("highlight", "true"))]
    if answers is not None:
        answer["@search.answers"] = _answers(best, terms, answers)
    return [(each.row, scores[each.row]) for each in best] + ranking[RERANKED:], extras


def _options(given: Parameters, name: str, known: set[str]) -> dict[str, str] | None:
    """Of `extractive|count-3,threshold-0.7`; None where nothing is asked for."""
    text = given.text(name) or "none"
    found = _OPTION.fullmatch(text)
    parts = dict(part.partition("-")[::2] for part in (found[2] or "").split(",") if part) if found else {}
    if found is None or parts.keys() - known:
        raise given.wrong(name, f"must be none or extractive, with {', '.join(sorted(known))}")
    return parts if found[1] == "extractive" else None


def _all_read(table: Table, settings: Semantic, terms: set[str], rows: Sequence[int]) -> list[_Read]:
    bodies = table.documents.bodies(rows)
    texts = [_texts(settings, body) for body in bodies]
    had = [_terms_of(" ".join(each)) & terms for each in texts]
    times = Counter(term for each in had for term in each)
    weights = {term: log(1 + (len(rows) + 1) / (times[term] + 0.5)) for term in terms}
    read = []
    for row, body, (title, *others), found in zip(rows, bodies, texts, had, strict=True):
        parts = [part for text in others or [title] for part in sentences(text)]
        shares = [(_share(_terms_of(part), weights), part) for part in parts]
        share, sentence = max(shares, key=lambda each: each[0], default=(0.0, title))
        score = MOST * (_share(found, weights) / 2 + share / 3 + _share(_terms_of(title), weights) / 6)
        read.append(_Read(row, str(body[table.index.key.name]), score, sentence, share))
    return read


def _texts(settings: Semantic, body: Document) -> list[str]:
    """The title (perhaps empty), then the other fields."""
    fields = (settings.title, *settings.content, *settings.keywords)
    values = [body.get(field.name) or "" if field else "" for field in fields]
    return [". ".join(value) if isinstance(value, list) else value for value in values]


def _terms_of(text: str) -> set[str]:
    return {term for term, _, _ in tokens(ENGLISH, text) if term}


def _share(found: set[str], weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weights[term] for term in sorted(found & weights.keys())) / total if total else 0.0


def _caption(read: _Read, terms: set[str], highlight: str) -> dict[str, str]:
    marked = tagged(ENGLISH, read.sentence, terms, *_TAGS) if highlight == "true" else ""
    return {"text": read.sentence, "highlights": marked or ""}


def _answers(best: Sequence[_Read], terms: set[str], options: Mapping[str, str]) -> list[dict[str, Any]]:
    try:
        count, threshold = int(options.get("count", "1")), float(options.get("threshold", "0.7"))
    except ValueError:
        raise bad("count must be 1 to 10, threshold 0 to 1. Parameter name: answers") from None
    if not 1 <= count <= 10 or not 0 <= threshold <= 1:
        raise bad("count must be 1 to 10, threshold 0 to 1. Parameter name: answers")
    good = sorted((each for each in best if each.share >= threshold), key=lambda each: -each.share)
    return [{"key": each.key, "score": round(each.share, 6), **_caption(each, terms, "true")} for each in good[:count]]
