"""Deletes the rows of what is forgotten from one index."""

from murmuration.contracts.forgetting import PageResult, RowDeletionPage, Subject
from murmuration.services.search.filters import both, either, quoted
from murmuration.services.search.indexes import KNOWLEDGE, index_name
from murmuration.services.search.store import PAGE, Index
from murmuration.services.settings import Settings
from murmuration.services.storage.artifacts import Artifacts
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.erasure import sources_of

PAGES_AT_ONCE = 10


async def forget_rows(
    page_request: RowDeletionPage,
    knowledge: Index,
    memory: Index,
    artifacts: Artifacts,
    deletion_log: DeletionLog,
    settings: Settings,
) -> PageResult:
    """Safe to run twice: an id is noted before its row is deleted, and a row that is gone is fine."""
    condition = _condition(page_request.subject, page_request.index, await sources_of(page_request.subject, artifacts))
    if condition is None:
        return PageResult()
    index = knowledge if page_request.index == KNOWLEDGE else memory
    name = index_name(page_request.index, settings.embedding_model, settings.embedding_dimensions)
    found, after = 0, page_request.after
    for _ in range(PAGES_AT_ONCE):
        ids = [
            row["id"] for row in await index.page(page_request.subject.owner.tenant, condition, after=after, select=[])
        ]
        await deletion_log.record(f"rows/{name}", ids)
        await index.delete(ids)
        found += len(ids)
        if len(ids) < PAGE:
            return PageResult(found=found)
        after = ids[-1]
    return PageResult(found=found, after=after)


def _condition(subject: Subject, index: str, sources: tuple[str, ...]) -> str | None:
    """Which rows of the tenant; None where an index can't hold any."""
    in_knowledge = index == KNOWLEDGE
    match subject.kind:
        case "tenant":
            return ""
        case "user":
            return f"user eq {quoted(subject.owner.user)}"
        case "session":
            return None if in_knowledge else f"session eq {quoted(subject.session)}"
        case "run":
            return None if in_knowledge else f"run eq {quoted(subject.run)}"
        case "documents":
            return _of_documents(subject.owner.user, sources, in_knowledge=in_knowledge)


def _of_documents(user: str, sources: tuple[str, ...], *, in_knowledge: bool) -> str:
    """Everybody's document may have been remembered on anybody's behalf; a user's own only on the user's."""
    if in_knowledge:
        names = quoted("\n".join(sources))  # a source holds no control character
        return both(f"user eq {quoted(user)}" if user else "user eq null", f"search.in(source, {names}, '\n')")
    derived = either(f"sources/any(s: s eq {quoted(source)})" for source in sources)
    return both(f"user eq {quoted(user)}" if user else "", derived)
