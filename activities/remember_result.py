"""Remembers a run's answer and the lessons drawn from it, for later runs.

The same words on the same subject are one memory, used again. Other words on it supersede the older memory, which stays
with the time in which it was held true, and is no longer recalled.
"""

from murmuration.contracts.memories import RememberRequest, RememberResult
from murmuration.policy.citations import renumber
from murmuration.policy.claims import claims_of
from murmuration.services.model.model import Model
from murmuration.services.search.backfill_embeddings import backfill_embeddings
from murmuration.services.search.index import MEMORY, Index
from murmuration.services.search.memory_rows import change_for, read_versions, repeated_rows, superseded_rows
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import Artifacts, get_text


async def remember_result(
    request: RememberRequest, model: Model, memory: Index, artifacts: Artifacts, step_context: StepContext
) -> RememberResult:
    """Safe to run twice: a memory is placed by when the run knew it, however late it is written."""
    answer = renumber(await get_text(artifacts, request.answer), {})  # markers point at passages of this run
    claims, refused = claims_of(request, answer)
    if refused:
        step_context.degraded.add("not_remembered")
    versions = await read_versions(request.owner, claims, memory)
    changes = [change_for(request, claim, versions.get(claim.subject, [])) for claim in claims]
    rows = [change.row for change in changes if change.row is not None]
    if not await backfill_embeddings(MEMORY, request.owner, rows, model, memory):
        step_context.degraded.add("remembered_without_vector")
    # The new is written before the old is ended: a reader in between sees both, never neither.
    await memory.write(rows)
    superseded = [row for change in changes for row in superseded_rows(change, request.at)]
    await memory.merge([*superseded, *repeated_rows(changes, request)])
    repeated = sum(change.placement.repeats is not None for change in changes)
    return RememberResult(written=len(rows), repeated=repeated, superseded=len(superseded), refused=refused)
