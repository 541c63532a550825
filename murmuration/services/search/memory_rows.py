"""Rows of the memory index: read as versions, notes and candidates, and written for claims."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from murmuration.contracts.memories import Note, RememberRequest
from murmuration.contracts.owner import Owner
from murmuration.policy.claims import Claim
from murmuration.policy.memories import ScoredMemory, expires, memory_id, normalised
from murmuration.policy.timeline import MemoryVersion, VersionPlacement, place_version
from murmuration.services.search.filters import quoted, timestamp
from murmuration.services.search.index import Index, Row

MAX_VERSIONS = 500
"""Versions that are read for the subjects of one run, the latest first: the current ones are among them."""
MAX_NOTE_CHARACTERS = 600
NOTE_FIELDS = ("id", "kind", "run", "about", "text", "subject", "importance", "created", "valid_from", "used", "user")


@dataclass(frozen=True)
class MemoryChange:
    """The effect of one claim: a new row, or none when the placement repeats a memory."""

    placement: VersionPlacement
    row: Row | None


async def read_versions(owner: Owner, claims: Sequence[Claim], memory: Index) -> dict[str, list[MemoryVersion]]:
    """Return the versions that are stored on the subjects of claims, by subject."""
    if not claims:
        return {}
    subjects = quoted(",".join(claim.subject for claim in claims))
    rows = await memory.find(
        owner,
        f"search.in(subject, {subjects})",
        top=MAX_VERSIONS,
        select=["id", "subject", "text", "valid_from", "valid_to", "asserted_at", "used"],
        latest="valid_from",
    )
    versions: dict[str, list[MemoryVersion]] = {}
    for row in rows:
        versions.setdefault(row["subject"], []).append(_version(row))
    return versions


def change_for(request: RememberRequest, claim: Claim, versions: Sequence[MemoryVersion]) -> MemoryChange:
    """Place a claim among the versions on its subject."""
    placement = place_version(versions, normalised(claim.text), request.at)
    if placement.repeats is not None:
        return MemoryChange(placement, None)
    at = timestamp(request.at)
    owner = request.owner
    row: Row = {
        "id": memory_id(owner, claim.kind, claim.subject, claim.text, at if placement.revived else ""),
        "tenant": owner.tenant,
        "user": owner.user or None,
        "session": request.session or None,
        "kind": claim.kind,
        "run": request.run,
        "subject": claim.subject,
        "about": claim.about,
        "text": claim.text,
        "sources": list(request.sources),
        "confidence": claim.confidence,
        "importance": claim.importance,
        "created": at,
        "valid_from": at,
        "valid_to": timestamp(placement.until) if placement.until else None,
        "superseded_by": placement.newer.id if placement.newer else None,
        "asserted_at": at,
        "used": at,
        "expires": timestamp(expires(request.at)),
    }
    return MemoryChange(placement, row)


def superseded_rows(change: MemoryChange, at: datetime) -> list[Row]:
    """Return the changes that end the versions which this one supersedes."""
    repeats = change.placement.repeats
    since = timestamp(min(repeats.since, at) if repeats else at)
    successor = change.row["id"] if change.row is not None else repeats.id if repeats else ""
    return [
        {"id": version.id, "valid_to": since, "superseded_by": successor} for version in change.placement.supersedes
    ]


def repeated_rows(changes: Sequence[MemoryChange], request: RememberRequest) -> Iterator[Row]:
    """Yield the changes of memories that this run repeats: their last use, assertion, and earliest validity."""
    at = timestamp(request.at)
    for version in (change.placement.repeats for change in changes if change.placement.repeats is not None):
        row: Row = {}
        if version.used < request.at:
            row |= {"used": at, "expires": timestamp(expires(request.at)), "run": request.run}
        if version.asserted_at < request.at:
            row |= {"asserted_at": at}
        if version.since > request.at:
            row |= {"valid_from": at}
        if row:
            yield {"id": version.id, **row}


def newest_rows(rows: Sequence[Row]) -> list[Row]:
    """Keep the newest of the rows on each subject: its writer may not have seen the older one yet."""
    newest: dict[tuple[str | None, str], str] = {}
    for row in rows:
        newest[_subject(row)] = max(newest.get(_subject(row), ""), row["valid_from"])
    return [row for row in rows if row["valid_from"] == newest[_subject(row)]]


def scored_memory(position: int, row: Row) -> ScoredMemory:
    """Return what the ranking of memories needs; `position` is the row's in the search, from 0."""
    return ScoredMemory(position, datetime.fromisoformat(row["used"]), row["importance"])


def note_from(row: Row) -> Note:
    return Note(
        source=row["run"],
        text=row["text"][:MAX_NOTE_CHARACTERS],
        kind=row["kind"],
        about=row["about"][:MAX_NOTE_CHARACTERS],
    )


def _version(row: Row) -> MemoryVersion:
    return MemoryVersion(
        id=row["id"],
        text=normalised(row["text"]),
        since=datetime.fromisoformat(row["valid_from"]),
        until=datetime.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        asserted_at=datetime.fromisoformat(row["asserted_at"] or row["valid_from"]),
        used=datetime.fromisoformat(row["used"]),
    )


def _subject(row: Row) -> tuple[str | None, str]:
    return row["user"], row["subject"]
