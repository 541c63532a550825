"""OData filters, made by code alone: access rights, scopes, times, and the rows of a deletion."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from murmuration.contracts.forgetting import Subject
from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import Scope
from murmuration.services.search.index import KNOWLEDGE


def quoted(value: str) -> str:
    """Return an OData string literal that no value can end early."""
    return "'" + value.replace("'", "''") + "'"


def timestamp(value: datetime) -> str:
    """Return an OData time in UTC."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def all_of(*conditions: str) -> str:
    """Join conditions by `and`; empty ones are left out."""
    return " and ".join(f"({condition})" for condition in conditions if condition)


def any_of(conditions: Iterable[str]) -> str:
    """Join conditions by `or`."""
    return " or ".join(f"({condition})" for condition in conditions)


def visible(owner: Owner) -> str:
    """Match rows that the owner may see: those that the whole tenant shares, and the user's own."""
    if not owner.user:
        return owned(owner)
    return f"tenant eq {quoted(owner.tenant)} and (user eq null or user eq {quoted(owner.user)})"


def owned(owner: Owner) -> str:
    """Match rows of exactly this owner."""
    return f"tenant eq {quoted(owner.tenant)} and user eq {quoted(owner.user) if owner.user else 'null'}"


def in_scope(scope: Scope) -> str:
    """Match documents of a scope; empty for a scope that allows all."""
    return all_of(
        any_of(f"source ge {quoted(source)} and source lt {quoted(_after(source))}" for source in scope.sources),
        any_of(f"kind eq {quoted(kind)}" for kind in scope.kinds),
        f"modified ge {timestamp(scope.since)}" if scope.since else "",
        f"modified lt {timestamp(scope.until)}" if scope.until else "",
    )


def from_sources(sources: Sequence[str]) -> str:
    """Match chunks of these documents."""
    # A source holds no control character, so a newline separates sources safely.
    names = quoted("\n".join(sources))
    return f"search.in(source, {names}, '\n')"


def valid_at(time: datetime) -> str:
    """Match memories that were held true at a time and had not expired by then."""
    then = timestamp(time)
    return all_of(
        f"valid_from eq null or valid_from le {then}",
        f"valid_to eq null or valid_to gt {then}",
        f"expires eq null or expires gt {then}",
    )


def of_subject(subject: Subject, kind: str, sources: Sequence[str]) -> str | None:
    """Match the rows of the tenant to delete from an index of this kind; None where it can't hold any.

    `sources` are the subject's documents.
    """
    if kind == KNOWLEDGE and subject.kind in ("session", "run"):
        return None
    match subject.kind:
        case "tenant":
            return ""
        case "user":
            return f"user eq {quoted(subject.owner.user)}"
        case "session":
            return f"session eq {quoted(subject.session)}"
        case "run":
            return f"run eq {quoted(subject.run)}"
        case "documents":
            return _of_documents(subject.owner.user, kind, sources)


def _of_documents(user: str, kind: str, sources: Sequence[str]) -> str:
    """Match chunks of documents, or memories derived from them.

    A shared document may have led to any user's memories, a user's own document only to that user's.
    """
    if kind == KNOWLEDGE:
        return all_of(f"user eq {quoted(user)}" if user else "user eq null", from_sources(sources))
    derived = any_of(f"sources/any(s: s eq {quoted(source)})" for source in sources)
    return all_of(f"user eq {quoted(user)}" if user else "", derived)


def _after(beginning: str) -> str:
    """Return the least text that is greater than all texts with this beginning."""
    following = ord(beginning[-1]) + 1
    if 0xD800 <= following <= 0xDFFF:  # surrogates: no text holds one alone
        following = 0xE000
    return beginning[:-1] + chr(min(following, 0x10FFFF))
