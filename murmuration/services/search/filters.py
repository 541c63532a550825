"""OData filters, made by code alone: who may see what, and what is asked for."""

from collections.abc import Iterable
from datetime import UTC, datetime

from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import Scope


def quoted(value: str) -> str:
    """An OData string literal: no value can end it early."""
    return "'" + value.replace("'", "''") + "'"


def instant(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def both(*conditions: str) -> str:
    """All of them; an empty one says nothing."""
    return " and ".join(f"({condition})" for condition in conditions if condition)


def either(conditions: Iterable[str]) -> str:
    return " or ".join(f"({condition})" for condition in conditions)


def visible(owner: Owner) -> str:
    """What the owner may see: everybody's of the tenant, and the user's own."""
    if not owner.user:
        return owned(owner)
    return f"tenant eq {quoted(owner.tenant)} and (user eq null or user eq {quoted(owner.user)})"


def owned(owner: Owner) -> str:
    """What is exactly this owner's."""
    return f"tenant eq {quoted(owner.tenant)} and user eq {quoted(owner.user) if owner.user else 'null'}"


def within(scope: Scope) -> str:
    """Documents of a scope; empty when it says nothing."""
    return both(
        either(f"source ge {quoted(source)} and source lt {quoted(_after(source))}" for source in scope.sources),
        either(f"kind eq {quoted(kind)}" for kind in scope.kinds),
        f"modified ge {instant(scope.since)}" if scope.since else "",
        f"modified lt {instant(scope.until)}" if scope.until else "",
    )


def held_at(moment: datetime) -> str:
    """Memories that were held true at a moment and had not expired by then."""
    then = instant(moment)
    return both(
        f"valid_from eq null or valid_from le {then}",
        f"valid_to eq null or valid_to gt {then}",
        f"expires eq null or expires gt {then}",
    )


def _after(beginning: str) -> str:
    """Greater than whatever has this beginning, and no greater than what comes after that."""
    following = ord(beginning[-1]) + 1
    if 0xD800 <= following <= 0xDFFF:  # halves of characters, which no text holds alone
        following = 0xE000
    return beginning[:-1] + chr(min(following, 0x10FFFF))
