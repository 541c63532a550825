"""Answers with the sentences of the passages that best cover the question, each with its citation marker."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from murmuration.offline.prose import prose
from murmuration.offline.text import content_stems, sentences

MAX_SENTENCES = 3
MIN_CHARACTERS, MAX_CHARACTERS = 25, 420
"""Length of a sentence worth quoting."""
HEADING_WEIGHT = 0.8
"""Weight of a word that stands in the heading alone."""
MIN_COVERAGE = 0.18
"""Share of the question's weight that a sentence must cover to count as an answer."""
_MARKED = re.compile(r"[^\[\]]*?(?:\[\d+\])+[.!?]*\s*|[^\[\]]+$")
_POINTS_BACK = re.compile(r"(?:It|Its|They|Their|These|This|That|Those|He|She)\b")
_COVER = re.compile(r"cover: ([^;]+)")


@dataclass(frozen=True)
class Candidate:
    """A sentence that may answer, with the number of its passage."""

    text: str
    number: int
    stems: frozenset[str]
    score: float


def execute(question: dict[str, Any]) -> dict[str, Any]:
    """Reply as an `executor`."""
    instruction = str(question.get("instruction") or "")
    wanted = _wanted(question, instruction)
    candidates = _candidates(question.get("passages") or [], wanted)
    chosen = _choose(candidates, wanted)
    if not chosen:
        return {"answer": f"The passages do not answer: {instruction}", "missing": [instruction]}
    answer = " ".join(f"{_without_end(candidate.text)} [{candidate.number}]." for candidate in chosen)
    return {"answer": answer, "missing": []}


def write(question: dict[str, Any]) -> dict[str, Any]:
    """Reply as a `writer`: the results, each sentence once, and the failed tasks."""
    paragraphs, seen = [], set[str]()
    for result in question.get("results") or []:
        statements = []
        for statement in _MARKED.findall(str(result.get("answer") or "")):
            plain = re.sub(r"\[\d+\]|\W+", " ", statement).casefold().strip()
            if plain and plain not in seen:
                seen.add(plain)
                statements.append(statement.strip())
        if statements:
            paragraphs.append(" ".join(statements))
    failed = question.get("failed") or []
    paragraphs += [f"Not answered: {task.get('instruction')} ({task.get('reason')})." for task in failed]
    missing = [str(task.get("instruction")) for task in failed]
    return {"answer": "\n\n".join(paragraphs) or "There is no result to write from.", "missing": missing}


def _wanted(question: dict[str, Any], instruction: str) -> dict[str, float]:
    """Return the question's stems, weighted by rarity in the passages; those the evaluator missed count double."""
    passages = [_all_text(passage) for passage in question.get("passages") or []]
    counts = Counter(stem for text in passages for stem in set(content_stems(text)))
    stems = content_stems(instruction) or content_stems(str(question.get("goal") or ""))
    missed = {stem for group in _COVER.findall(str(question.get("changes") or "")) for stem in content_stems(group)}
    total = len(passages) + 1
    return {
        stem: math.log(1 + total / (1 + counts[stem])) * (2.0 if stem in missed else 1.0)
        for stem in dict.fromkeys([*stems, *sorted(missed)])
    }


def _candidates(passages: list[dict[str, Any]], wanted: dict[str, float]) -> list[Candidate]:
    weight = sum(wanted.values()) or 1.0
    candidates = []
    for rank, passage in enumerate(passages):
        subject = frozenset(content_stems(f"{passage.get('heading', '')} {passage.get('source', '')}"))
        about = sum(value for stem, value in wanted.items() if stem in subject) / weight
        text = prose(str(passage.get("text") or ""), str(passage.get("source") or ""))
        antecedent: frozenset[str] = frozenset()
        for position, sentence in enumerate(sentences(text)):
            stems = frozenset(content_stems(sentence))
            antecedent = antecedent if _POINTS_BACK.match(sentence) else stems
            covered = sum(value for stem, value in wanted.items() if stem in stems) / weight
            if covered == 0 or not MIN_CHARACTERS <= len(sentence) <= MAX_CHARACTERS:
                continue
            # A sentence need not repeat its heading. One that points back ("It steeps …") is about its antecedent.
            context = antecedent if antecedent - stems else subject
            implied = sum(value for stem, value in wanted.items() if stem in context - stems) / weight
            score = (
                (covered + HEADING_WEIGHT * implied) * (0.9**rank) * (1.0 if position else 1.1) * _readable(sentence)
            )
            if covered + 0.3 * about >= MIN_COVERAGE:
                candidates.append(Candidate(sentence, int(passage.get("number") or rank + 1), stems, score))
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.number, candidate.text))


def _readable(sentence: str) -> float:
    """Return a factor that prefers prose to signatures, tables and headings."""
    words = sentence.split()
    factor = 1.0 if sentence[0].isupper() or sentence[0] in "`'\"*" else 0.85
    if sentence.rstrip("\"')`*").endswith((".", "!")):
        factor *= 1.1
    if sentence.endswith((":", "?")) or len(words) < 6:
        factor *= 0.7
    marks = sum(not (char.isalnum() or char.isspace()) for char in sentence)
    return factor * (0.6 if marks > 0.12 * len(sentence) else 1.0)


def _choose(candidates: list[Candidate], wanted: dict[str, float]) -> list[Candidate]:
    """Choose the best sentence, then those that add something new."""
    chosen: list[Candidate] = []
    while candidates and len(chosen) < MAX_SENTENCES:
        gains = [
            (_gain(candidate, chosen, wanted), -position, candidate) for position, candidate in enumerate(candidates)
        ]
        gain, _, best = max(gains, key=lambda entry: entry[:2])
        if chosen and gain < 0.45 * chosen[0].score:
            break
        chosen.append(best)
        candidates = [candidate for candidate in candidates if candidate.text != best.text]
    return chosen


def _gain(candidate: Candidate, chosen: list[Candidate], wanted: dict[str, float]) -> float:
    """Return the candidate's score, less what the chosen ones already cover."""
    covered: set[str] = set().union(*(other.stems for other in chosen))
    new = sum(value for word, value in wanted.items() if word in candidate.stems and word not in covered)
    old = sum(value for word, value in wanted.items() if word in candidate.stems and word in covered)
    share = (new + 0.35 * old) / ((new + old) or 1.0)
    alike = max(
        (len(candidate.stems & other.stems) / len(candidate.stems | other.stems) for other in chosen), default=0.0
    )
    return candidate.score * share * (1 - alike)


def _all_text(passage: dict[str, Any]) -> str:
    return f"{passage.get('heading', '')} {passage.get('source', '')} {passage.get('text', '')}"


def _without_end(sentence: str) -> str:
    return re.sub(r"\[(\d+)\]", r"(\1)", sentence).rstrip(" .:;")


def known_stems(passages: list[dict[str, Any]]) -> set[str]:
    """Return all stems of the passages: only these can be demanded of an answer."""
    return {stem for passage in passages for stem in content_stems(_all_text(passage))}
