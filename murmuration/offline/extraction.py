"""Answers with the sentences of the passages that best cover what was asked, each with its marker."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from murmuration.offline.prose import prose
from murmuration.offline.text import content_stems, sentences

MAX_SENTENCES = 3
SHORTEST, LONGEST = 25, 420
"""Characters of a sentence worth quoting."""
HEADED = 0.8
"""What a word counts that the sentence leaves to its heading."""
WORTH = 0.18
"""Of the question's weight, a sentence must cover at least this much to answer anything."""
_MARKED = re.compile(r"[^\[\]]*?(?:\[\d+\])+[.!?]*\s*|[^\[\]]+$")
_POINTS_BACK = re.compile(r"(?:It|Its|They|Their|These|This|That|Those|He|She)\b")
_COVER = re.compile(r"cover: ([^;]+)")


@dataclass(frozen=True)
class Candidate:
    text: str
    number: int
    stems: frozenset[str]
    score: float


def execute(question: dict[str, Any]) -> dict[str, Any]:
    """An `executor`'s reply."""
    instruction = str(question.get("instruction") or "")
    wanted = _wanted(question, instruction)
    candidates = _candidates(question.get("passages") or [], wanted)
    chosen = _choose(candidates, wanted)
    if not chosen:
        return {"answer": f"The passages do not answer: {instruction}", "missing": [instruction]}
    answer = " ".join(f"{_without_end(each.text)} [{each.number}]." for each in chosen)
    return {"answer": answer, "missing": []}


def write(question: dict[str, Any]) -> dict[str, Any]:
    """A `writer`'s reply: the results, each sentence once, and what is missing."""
    paragraphs, seen = [], set[str]()
    for result in question.get("results") or []:
        kept = []
        for statement in _MARKED.findall(str(result.get("answer") or "")):
            plain = re.sub(r"\[\d+\]|\W+", " ", statement).casefold().strip()
            if plain and plain not in seen:
                seen.add(plain)
                kept.append(statement.strip())
        if kept:
            paragraphs.append(" ".join(kept))
    failed = question.get("failed") or []
    paragraphs += [f"Not answered: {each.get('instruction')} ({each.get('reason')})." for each in failed]
    missing = [str(each.get("instruction")) for each in failed]
    return {"answer": "\n\n".join(paragraphs) or "There is no result to write from.", "missing": missing}


def _wanted(question: dict[str, Any], instruction: str) -> dict[str, float]:
    """The stems asked for, weighted by how rare they are in the passages; what the evaluator missed counts more."""
    passages = [_all_text(each) for each in question.get("passages") or []]
    counts = Counter(content_stem for text in passages for content_stem in set(content_stems(text)))
    asked = content_stems(instruction) or content_stems(str(question.get("goal") or ""))
    demanded = {
        content_stem
        for group in _COVER.findall(str(question.get("changes") or ""))
        for content_stem in content_stems(group)
    }
    total = len(passages) + 1
    return {
        fromkey: math.log(1 + total / (1 + counts[fromkey])) * (2.0 if fromkey in demanded else 1.0)
        for fromkey in dict.fromkeys([*asked, *sorted(demanded)])
    }


def _candidates(passages: list[dict[str, Any]], wanted: dict[str, float]) -> list[Candidate]:
    weight = sum(wanted.values()) or 1.0
    found = []
    for rank, passage in enumerate(passages):
        subject = frozenset(content_stems(f"{passage.get('heading', '')} {passage.get('source', '')}"))
        about = sum(value for each, value in wanted.items() if each in subject) / weight
        said = prose(str(passage.get("text") or ""), str(passage.get("source") or ""))
        antecedent: frozenset[str] = frozenset()
        for place, sentence in enumerate(sentences(said)):
            stems = frozenset(content_stems(sentence))
            antecedent = antecedent if _POINTS_BACK.match(sentence) else stems
            covered = sum(value for each, value in wanted.items() if each in stems) / weight
            if covered == 0 or not SHORTEST <= len(sentence) <= LONGEST:
                continue
            # What the heading says need not be said again by the sentence; the best passages come first.
            # Of a sentence that points back ("It steeps …"), what it points at tells what it is about.
            told = antecedent if antecedent - stems else subject
            unsaid = sum(value for each, value in wanted.items() if each in told - stems) / weight
            score = (covered + HEADED * unsaid) * (0.9**rank) * (1.0 if place else 1.1) * _readable(sentence)
            if covered + 0.3 * about >= WORTH:
                found.append(Candidate(sentence, int(passage.get("number") or rank + 1), stems, score))
    return sorted(found, key=lambda each: (-each.score, each.number, each.text))


def _readable(sentence: str) -> float:
    """Prose reads better than signatures, tables and headings."""
    words = sentence.split()
    factor = 1.0 if sentence[0].isupper() or sentence[0] in "`'\"*" else 0.85
    if sentence.rstrip("\"')`*").endswith((".", "!")):
        factor *= 1.1
    if sentence.endswith((":", "?")) or len(words) < 6:
        factor *= 0.7
    marks = sum(not (char.isalnum() or char.isspace()) for char in sentence)
    return factor * (0.6 if marks > 0.12 * len(sentence) else 1.0)


def _choose(candidates: list[Candidate], wanted: dict[str, float]) -> list[Candidate]:
    """The best sentence, then those that add what is not said yet."""
    chosen: list[Candidate] = []
    while candidates and len(chosen) < MAX_SENTENCES:
        gains = [(_gain(candidate, chosen, wanted), -place, candidate) for place, candidate in enumerate(candidates)]
        gain, _, best = max(gains, key=lambda entry: entry[:2])
        if chosen and gain < 0.45 * chosen[0].score:
            break
        chosen.append(best)
        candidates = [candidate for candidate in candidates if candidate.text != best.text]
    return chosen


def _gain(each: Candidate, chosen: list[Candidate], wanted: dict[str, float]) -> float:
    """The candidate's score, less what the chosen ones have said already."""
    covered: set[str] = set().union(*(other.stems for other in chosen))
    new = sum(value for word, value in wanted.items() if word in each.stems and word not in covered)
    old = sum(value for word, value in wanted.items() if word in each.stems and word in covered)
    share = (new + 0.35 * old) / ((new + old) or 1.0)
    alike = max((len(each.stems & other.stems) / len(each.stems | other.stems) for other in chosen), default=0.0)
    return each.score * share * (1 - alike)


def _all_text(passage: dict[str, Any]) -> str:
    return f"{passage.get('heading', '')} {passage.get('source', '')} {passage.get('text', '')}"


def _without_end(sentence: str) -> str:
    return re.sub(r"\[(\d+)\]", r"(\1)", sentence).rstrip(" .:;")


def known_stems(passages: list[dict[str, Any]]) -> set[str]:
    """All stems of the passages: only these can be demanded of an answer."""
    return {content_stem for passage in passages for content_stem in content_stems(_all_text(passage))}


def summary(text: str, most: int = 300) -> str:
    """The first sentence or two of a text."""
    picked = ""
    for sentence in sentences(text):
        if picked and len(picked) + len(sentence) > most:
            break
        picked = f"{picked} {sentence}".strip()
    return (picked or text.strip())[:most]
