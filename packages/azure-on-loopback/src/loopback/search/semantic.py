"""`queryType=semantic`: a deterministic stand-in for the service's reranker, its captions and its answers.

The score, 0 to 4, is the share of the question's words that a document has: in all its fields (half), in its best
sentence (a third) and in its title (a sixth). A rare word weighs more than one that most candidates have. The score has
the form and the bounds of the service's score, not its judgement.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from operator import attrgetter
from typing import Any

from loopback.search.analysis import tokens
from loopback.search.definitions import Semantic
from loopback.search.documents import Document
from loopback.search.errors import bad_request
from loopback.search.highlight import sentences, tagged
from loopback.search.parameters import Parameters
from loopback.search.ranking import Ranking
from loopback.search.table import Table

MAX_RERANKED = 50
MAX_SCORE = 4.0
ENGLISH = "en.lucene"
_OPTION = re.compile(r"(extractive|none)(?:\|(.+))?")
_TAGS = ("<em>", "</em>")


@dataclass(frozen=True)
class _Candidate:
    """A document with its score, its best sentence, and the share of the question in that sentence, 0 to 1."""

    row: int
    key: str
    score: float
    sentence: str
    share: float


def rerank(
    table: Table, parameters: Parameters, ranking: Ranking, answer: dict[str, Any]
) -> tuple[Ranking, dict[int, Document]]:
    """Rerank the best 50; the others stay behind them. Adds answers to `answer`; returns captions and scores by row."""
    fields = table.index.semantic(parameters.text("semanticConfiguration"))
    captions = _options(parameters, "captions", {"highlight"})
    answers = _options(parameters, "answers", {"count", "threshold"})
    question = parameters.text("semanticQuery") or parameters.text("search") or ""
    if not question.strip("* "):
        raise bad_request("Semantic ranking needs a text to rank by. Parameter name: search")
    terms = _terms(question)
    candidates = _candidates(table, fields, terms, [row for row, _ in ranking[:MAX_RERANKED]])
    candidates.sort(key=attrgetter("score"), reverse=True)
    extras: dict[int, Document] = {}
    for candidate in candidates:
        extras[candidate.row] = {"@search.rerankerScore": round(candidate.score, 6)}
        if captions is not None:
            caption = _caption(candidate, terms, highlight=captions.get("highlight", "true") == "true")
            extras[candidate.row]["@search.captions"] = [caption]
    if answers is not None:
        answer["@search.answers"] = _answers(candidates, terms, answers)
    scores = dict(ranking)
    reranked = [(candidate.row, scores[candidate.row]) for candidate in candidates]
    return reranked + ranking[MAX_RERANKED:], extras


def _options(parameters: Parameters, name: str, supported: set[str]) -> dict[str, str] | None:
    """Parse `extractive|count-3,threshold-0.7`; None when the value is none."""
    value = _OPTION.fullmatch(parameters.text(name) or "none")
    options = dict(part.partition("-")[::2] for part in (value[2] or "").split(",") if part) if value else {}
    if value is None or options.keys() - supported:
        raise parameters.invalid(name, f"must be none or extractive, with {', '.join(sorted(supported))}")
    return options if value[1] == "extractive" else None


def _candidates(table: Table, fields: Semantic, terms: set[str], rows: Sequence[int]) -> list[_Candidate]:
    bodies = table.documents.bodies(rows)
    texts = [_texts(fields, body) for body in bodies]
    matched = [_terms(" ".join(parts)) & terms for parts in texts]
    frequencies = Counter(term for matched_terms in matched for term in matched_terms)
    weights = {term: log(1 + (len(rows) + 1) / (frequencies[term] + 0.5)) for term in terms}
    candidates = []
    for row, body, (title, *others), matched_terms in zip(rows, bodies, texts, matched, strict=True):
        passages = [sentence for text in others or [title] for sentence in sentences(text)]
        shares = [(_share(_terms(passage), weights), passage) for passage in passages]
        share, sentence = max(shares, key=lambda pair: pair[0], default=(0.0, title))
        score = MAX_SCORE * (_share(matched_terms, weights) / 2 + share / 3 + _share(_terms(title), weights) / 6)
        candidates.append(_Candidate(row, str(body[table.index.key.name]), score, sentence, share))
    return candidates


def _texts(fields: Semantic, body: Document) -> list[str]:
    """Return the title, which may be empty, and then the other fields."""
    ordered = (fields.title, *fields.content, *fields.keywords)
    values = [body.get(field.name) or "" if field else "" for field in ordered]
    return [". ".join(value) if isinstance(value, list) else value for value in values]


def _terms(text: str) -> set[str]:
    return {term for term, _, _ in tokens(ENGLISH, text) if term}


def _share(terms: set[str], weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weights[term] for term in sorted(terms & weights.keys())) / total if total else 0.0


def _caption(candidate: _Candidate, terms: set[str], *, highlight: bool) -> dict[str, str]:
    highlights = tagged(ENGLISH, candidate.sentence, terms, *_TAGS) if highlight else ""
    return {"text": candidate.sentence, "highlights": highlights or ""}


def _answers(candidates: Sequence[_Candidate], terms: set[str], options: Mapping[str, str]) -> list[dict[str, Any]]:
    invalid = bad_request("count must be 1 to 10, threshold 0 to 1. Parameter name: answers")
    try:
        count, threshold = int(options.get("count", "1")), float(options.get("threshold", "0.7"))
    except ValueError:
        raise invalid from None
    if not 1 <= count <= 10 or not 0 <= threshold <= 1:
        raise invalid
    good = [candidate for candidate in candidates if candidate.share >= threshold]
    good.sort(key=attrgetter("share"), reverse=True)
    return [
        {
            "key": candidate.key,
            "score": round(candidate.share, 6),
            **_caption(candidate, terms, highlight=True),
        }
        for candidate in good[:count]
    ]
