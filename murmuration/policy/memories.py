"""Rules of memory: what may be remembered, under which key, and in which order it is recalled."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from murmuration.contracts.owner import Owner
from murmuration.policy.tenancy import tenant_key

MAX_UNUSED_DAYS = 365
"""A memory that has not been used for so long is not recalled any more."""
MIN_FACTOR = 0.2
"""The lowest factor for age or unimportance, so that neither outweighs relevance altogether."""

_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"  # a JSON Web Token
    r"|\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{16,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\b(?:AccountKey|SharedAccessKey|password|passwd|api[-_ ]?key|secret|token)\s*[=:]\s*\S{8,}",
    re.IGNORECASE,
)
_STOP_WORDS = frozenset(
    ("a", "an", "and", "are", "at", "by", "for", "from", "in", "is", "of", "on", "the", "to", "with")
)
_INJECTIONS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules|above|previous)\b"
    r"|\b(?:system|developer) (?:prompt|message)\b"
    r"|<\|?(?:im_start|im_end|system|assistant)\|?>",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class ScoredMemory:
    """A memory that a search returned."""

    position: int
    """By relevance, from 0."""
    used: datetime
    """The last time that it was written or recalled."""
    importance: float
    """0 to 1."""


def memory_id(owner: Owner, kind: str, subject: str, text: str, era: str = "") -> str:
    """The key of a memory. The same words are the same memory, however often and by whichever run they are written.

    `era` distinguishes a text that was superseded and holds again; it is empty the first time.
    """
    content = "\0".join((owner.user, kind, subject, normalised(text), era))
    return f"{tenant_key(owner.tenant)}-{hashlib.sha256(content.encode()).hexdigest()[:40]}"


def subject_key(kind: str, about: str) -> str:
    """The key of a subject: of two memories with one key, the newer holds. Stop words don't count.

    The order of words doesn't count either, unless they are a goal: metres to feet is not feet to metres.
    """
    words = [word for word in normalised(about).split() if word not in _STOP_WORDS] or [normalised(about)]
    if kind != "outcome":
        words = sorted(set(words))
    return hashlib.sha256(f"{kind}\0{' '.join(words)}".encode()).hexdigest()[:40]


def normalised(text: str) -> str:
    """The words of a text, in lower case and without punctuation."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def unsafe_reason(text: str) -> str | None:
    """Say why a text must not be remembered, since models of later runs would read it; None when it may."""
    if _SECRETS.search(text):
        return "it contains what looks like a secret"
    if _INJECTIONS.search(text):
        return "it contains what looks like an instruction to a model"
    return None


def expires(used: datetime) -> datetime:
    """When a memory that was used last at that time is not recalled any more."""
    return used + timedelta(days=MAX_UNUSED_DAYS)


def rank(memories: Sequence[ScoredMemory], now: datetime, half_life_days: float) -> list[int]:
    """The positions of the memories, the highest score first: relevance by recency by importance."""

    def score(memory: ScoredMemory) -> float:
        days = max(0.0, (now - memory.used) / timedelta(days=1))
        recency = 0.5 ** (days / half_life_days)
        return _relevance(memory.position) * _damped(recency) * _damped(memory.importance)

    return [memory.position for memory in sorted(memories, key=lambda memory: (-score(memory), memory.position))]


def _relevance(position: int) -> float:
    """A relevance from 0 to 1. Scores of different queries can't be compared; positions can."""
    return 1 / (1 + position / 4)


def _damped(value: float) -> float:
    return MIN_FACTOR + (1 - MIN_FACTOR) * value
