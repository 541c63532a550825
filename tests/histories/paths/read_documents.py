"""The paths of `read_documents`: batches that are read, refused, or delayed by an outage."""

from collections.abc import Callable
from typing import Any

from murmuration.contracts.content import Reference
from murmuration.contracts.documents import DocumentReading, ReadingReport
from murmuration.contracts.owner import Owner
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import Done, Failed, Later
from orchestrators.reading.read_documents import read_documents
from simulation.scripted import Trace, simulate


def reading(batches: int, *replies: Done | Later | Failed | Exception) -> Callable[[], Trace]:
    """A run whose first steps end with `replies`; after them, every batch is read."""

    def run() -> Trace:
        left = list(replies)

        def activity(_: str, message: Any) -> tuple[float, Any]:
            read = Done(value=ReadingReport(documents=2, written=9).model_dump(mode="json"))
            reply = left.pop(0) if left else read
            return 1 + len(left), reply if isinstance(reply, Exception) else reply.model_dump(mode="json")

        names = tuple(Reference(artifact=f"t/batch-{number}", bytes=9) for number in range(batches))
        request = DocumentReading(caller=Caller(tenant="t"), owner=Owner(tenant="t"), batches=names)
        return simulate(read_documents, request.model_dump(mode="json"), activity)

    return run


DOWN = Later(code="search_unavailable", seconds=20)
READINGS: dict[str, Callable[[], Trace]] = {
    "read": reading(1),
    "many_batches": reading(6),
    "batch_failed": reading(2, Failed(code="search_refused", message="no")),
    "outage": reading(2, DOWN, Later(code="embedding_unavailable"), RuntimeError("lost")),
    "outage_for_good": reading(1, *[DOWN] * 5),
}

PATHS = {"read_documents": READINGS}
