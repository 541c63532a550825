"""Shared by the steps that forget: which runs a subject has, and going through many things page by page."""

from collections.abc import Sequence

from murmuration.contracts.forgetting import Sources, Subject
from murmuration.policy.forgetting import source_key
from murmuration.services.storage.artifacts import Artifacts, get_value
from murmuration.services.storage.run_records import RunRecord, RunRecords


async def runs_of(subject: Subject, records: RunRecords) -> list[RunRecord]:
    """The runs that are forgotten with a subject; documents have none."""
    match subject.kind:
        case "user":
            return await records.of_user(subject.owner.user)
        case "session":
            return await records.of_session(subject.owner.user, subject.session)
        case "run":
            return await records.of_run(subject.run) or [RunRecord("", "", "", subject.run)]
        case "tenant":
            return await records.all()
        case "documents":
            return []


async def sources_of(subject: Subject, artifacts: Artifacts) -> tuple[str, ...]:
    """The documents that are forgotten, by name."""
    if subject.sources is None:
        return ()
    return (await get_value(artifacts, subject.sources, Sources)).names


async def readings_of(subject: Subject, artifacts: Artifacts, records: RunRecords) -> list[RunRecord]:
    """The runs that have read the documents: what was posted is among their artifacts."""
    owner = subject.owner
    keys = [source_key(owner.tenant, owner.user, each) for each in await sources_of(subject, artifacts)]
    return await records.readings(owner.user, keys)


def page(names: Sequence[str], after: str, size: int) -> tuple[list[str], str | None]:
    """The next `size` of sorted names, and where the page behind them begins; None when there is none."""
    rest = [name for name in names if name > after]
    return rest[:size], rest[size - 1] if len(rest) > size else None
