"""Leaves what a run found where later runs will look: its answer, and the lessons drawn from it.

The same words about the same are one memory, used revived. Other words about it supersede the old ones, which stay,
marked with when they were held true, and are not recalled any more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from murmuration.contracts.memories import MemoryKind, RememberRequest, RememberResult
from murmuration.policy.citations import renumber
from murmuration.policy.memories import expires, memory_id, normalised, subject_key, unsafe_reason
from murmuration.policy.timeline import MemoryVersion, VersionPlacement, place_version
from murmuration.services.model.model import Model
from murmuration.services.search.backfill_embeddings import backfill_embeddings
from murmuration.services.search.filters import instant, quoted
from murmuration.services.search.indexes import MEMORY
from murmuration.services.search.store import Index, Row
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import Artifacts, get_text

REMEMBERED_CHARACTERS = 4_000
MAX_MEMORIES_PER_SUBJECT = 500
"""Memories on the subjects of one run that are looked at, the latest: what holds is among them."""


@dataclass(frozen=True)
class Claim:
    """What is to be remembered."""

    kind: MemoryKind
    about: str
    text: str
    confidence: float
    importance: float

    @property
    def subject(self) -> str:
        return subject_key(self.kind, self.about)


@dataclass(frozen=True)
class Change:
    """What becomes of one claim: `row` is new, or `place_version` repeats one that is there."""

    place_version: VersionPlacement
    row: Row | None


async def remember_result(
    remembrance: RememberRequest, model: Model, memory: Index, artifacts: Artifacts, step_context: StepContext
) -> RememberResult:
    """Safe to run twice: a memory has its place by when the run knew it, also when it comes late."""
    answer = renumber(await get_text(artifacts, remembrance.answer), {})  # markers point at passages of this run
    claims, refused = _claims(remembrance, answer)
    if refused:
        step_context.degraded.add("not_remembered")
    kept = await _kept(remembrance, claims, memory)
    changes = [_change(remembrance, claim, kept.get(claim.subject, [])) for claim in claims]
    rows = [each.row for each in changes if each.row is not None]
    if not await backfill_embeddings(MEMORY, remembrance.owner, rows, model, memory):
        step_context.degraded.add("remembered_without_vector")
    # The new is written before the old is closed: a reader in between finds both, never neither.
    await memory.write(rows)
    closed = [each for change in changes for each in _closed(change, remembrance.at)]
    await memory.merge([*closed, *_said_again(changes, remembrance)])
    repeated = sum(each.place_version.repeats is not None for each in changes)
    return RememberResult(written=len(rows), repeated=repeated, superseded=len(closed), refused=refused)


def _claims(remembrance: RememberRequest, answer: str) -> tuple[list[Claim], tuple[str, ...]]:
    """One for each subject, and why others are not remembered."""
    outcome = Claim("outcome", remembrance.goal, answer[:REMEMBERED_CHARACTERS], 1.0, remembrance.importance)
    lessons = [
        Claim(lesson.kind, lesson.about, lesson.text, lesson.confidence, lesson.importance)
        for lesson in remembrance.lessons
    ]
    claims, refused = {}, []
    for claim in (outcome, *lessons):
        problem = unsafe_reason(f"{claim.about}\n{claim.text}")
        if problem is None:
            claims[claim.subject] = claim
        else:
            refused.append(f"{claim.kind}: {problem}")
    return list(claims.values()), tuple(refused)


async def _kept(remembrance: RememberRequest, claims: Sequence[Claim], memory: Index) -> dict[str, list[MemoryVersion]]:
    """What is remembered on the subjects of the claims, by subject."""
    if not claims:
        return {}
    subjects = quoted(",".join(claim.subject for claim in claims))
    rows = await memory.find(
        remembrance.owner,
        f"search.in(subject, {subjects})",
        top=MAX_MEMORIES_PER_SUBJECT,
        select=["id", "subject", "text", "valid_from", "valid_to", "asserted_at", "used"],
        latest="valid_from",
    )
    kept: dict[str, list[MemoryVersion]] = {}
    for row in rows:
        kept.setdefault(row["subject"], []).append(_held(row))
    return kept


def _held(row: Row) -> MemoryVersion:
    return MemoryVersion(
        id=row["id"],
        text=normalised(row["text"]),
        since=datetime.fromisoformat(row["valid_from"]),
        until=datetime.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        asserted_at=datetime.fromisoformat(row["asserted_at"] or row["valid_from"]),
        used=datetime.fromisoformat(row["used"]),
    )


def _change(remembrance: RememberRequest, claim: Claim, kept: Sequence[MemoryVersion]) -> Change:
    found = place_version(kept, normalised(claim.text), remembrance.at)
    if found.repeats is not None:
        return Change(found, None)
    at = instant(remembrance.at)
    owner = remembrance.owner
    row: Row = {
        "id": memory_id(owner, claim.kind, claim.subject, claim.text, at if found.revived else ""),
        "tenant": owner.tenant,
        "user": owner.user or None,
        "session": remembrance.session or None,
        "kind": claim.kind,
        "run": remembrance.run,
        "subject": claim.subject,
        "about": claim.about,
        "text": claim.text,
        "sources": list(remembrance.sources),
        "confidence": claim.confidence,
        "importance": claim.importance,
        "created": at,
        "valid_from": at,
        "valid_to": instant(found.until) if found.until else None,
        "superseded_by": found.newer.id if found.newer else None,
        "asserted_at": at,
        "used": at,
        "expires": instant(expires(remembrance.at)),
    }
    return Change(found, row)


def _closed(change: Change, at: datetime) -> list[Row]:
    """The memories that end where this one begins."""
    repeats = change.place_version.repeats
    since = instant(min(repeats.since, at) if repeats else at)
    by = change.row["id"] if change.row is not None else repeats.id if repeats else ""
    return [
        {"id": supersede.id, "valid_to": since, "superseded_by": by} for supersede in change.place_version.supersedes
    ]


def _said_again(changes: Sequence[Change], remembrance: RememberRequest) -> Iterator[Row]:
    """What this run says of those that say the same."""
    at = instant(remembrance.at)
    for each in (change.place_version.repeats for change in changes if change.place_version.repeats is not None):
        row: Row = {}
        if each.used < remembrance.at:
            row |= {"used": at, "expires": instant(expires(remembrance.at)), "run": remembrance.run}
        if each.asserted_at < remembrance.at:
            row |= {"asserted_at": at}
        if each.since > remembrance.at:
            row |= {"valid_from": at}
        if row:
            yield {"id": each.id, **row}
