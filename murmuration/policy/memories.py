"""What is score keeping in memory, under which key, and what of it is recalled first."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from murmuration.contracts.owner import Owner
from murmuration.policy.tenancy import tenant_key

KEPT_DAYS = 365
"""What has not been used for so long is not recalled any more."""
LEAST_WEIGHT = 0.2
"""Of what is old or unimportant: relevance decides, unless there is something better."""

_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"  # a JSON Web Token
    r"|\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{16,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\b(?:AccountKey|SharedAccessKey|password|passwd|api[-_ ]?key|secret|token)\s*[=:]\s*\S{8,}",
    re.IGNORECASE,
)
_SMALL_WORDS = frozenset(
    ("a", "an", "and", "are", "at", "by", "for", "from", "in", "is", "of", "on", "the", "to", "with")
)
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules|above|previous)\b"
    r"|\b(?:system|developer) (?:prompt|message)\b"
    r"|<\|?(?:im_start|im_end|system|assistant)\|?>",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class ScoredMemory:
    """A memory that a search has found; `place` counts from 0, the most relevant first."""

    place: int
    used: datetime
    importance: float
    """0 to 1."""


def memory_id(owner: Owner, kind: str, subject: str, text: str, era: str = "") -> str:
    """The same words are the same memory, however often and by whichever run they are written.

    `era` tells apart what was held true, then superseded, and holds again: empty the first time.
    """
    content = "\0".join((owner.user, kind, subject, normalised(text), era))
    return f"{tenant_key(owner.tenant)}-{hashlib.sha256(content.encode()).hexdigest()[:40]}"


def subject_key(kind: str, about: str) -> str:
    """Of two memories with one key, the newer says what holds. Small words don't count.

    Nor does the order of the words, unless they are a goal: metres to feet is not feet to metres.
    """
    words = [word for word in normalised(about).split() if word not in _SMALL_WORDS] or [normalised(about)]
    if kind != "outcome":
        words = sorted(set(words))
    return hashlib.sha256(f"{kind}\0{' '.join(words)}".encode()).hexdigest()[:40]


def normalised(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def objection(text: str) -> str | None:
    """Why a text must not be remembered: it would be shown to models of later runs."""
    if _SECRETS.search(text):
        return "it holds what looks like a secret"
    if _ORDERS.search(text):
        return "it holds what looks like an instruction to a model"
    return None


def expires(now: datetime) -> datetime:
    return now + timedelta(days=KEPT_DAYS)


def rank(found: Sequence[ScoredMemory], now: datetime, half_life_days: float) -> list[int]:
    """The places of `found`, the most score first: relevance by recency by importance."""

    def score(each: ScoredMemory) -> float:
        days = max(0.0, (now - each.used) / timedelta(days=1))
        recency = 0.5 ** (days / half_life_days)
        return _relevance(each.place) * _damped(recency) * _damped(each.importance)

    return [each.place for each in sorted(found, key=lambda each: (-score(each), each.place))]


def _relevance(place: int) -> float:
    """Scores of different queries can't be compared; places can."""
    return 1 / (1 + place / 4)


def _damped(value: float) -> float:
    return LEAST_WEIGHT + (1 - LEAST_WEIGHT) * value
