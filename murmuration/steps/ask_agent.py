"""Asks any agent by its name, and checks its reply by the contract in the agent's file."""

from collections.abc import Sequence

from murmuration.contracts.agents import AgentAnswer, AgentBrief
from murmuration.contracts.base import Reply
from murmuration.contracts.passages import Passage, PassageSet
from murmuration.contracts.replies import DraftReply, TextReply
from murmuration.policy.citations import check_markers
from murmuration.policy.items import fitted_items
from murmuration.services.model.model import Model, find_agent
from murmuration.services.storage.artifacts import Artifacts, get_text, put_text, put_value
from murmuration.services.storage.prompt_inputs import as_prompt, merge_citations, read_passages, resolve_references


async def ask_agent(brief: AgentBrief, model: Model, artifacts: Artifacts) -> AgentAnswer:
    """Safe to run twice: it only asks, and stores texts under the hash of their content."""
    passages, earlier = await merge_citations(artifacts, await read_passages(artifacts, brief.passages), brief.earlier)
    reply = await model.ask(
        brief.agent,
        {
            "goal": brief.goal,
            "instruction": await resolve_references(artifacts, brief.instruction, brief.inserts),
            "input": brief.input,
            "passages": as_prompt(passages),
            "earlier": earlier,
            "previous": await get_text(artifacts, brief.previous.answer) if brief.previous else None,
            "changes": brief.changes or None,
        },
        find_agent(brief.agent).contract,
    )
    return await _answer(reply, passages, artifacts)


async def _answer(reply: Reply, passages: Sequence[Passage], artifacts: Artifacts) -> AgentAnswer:
    """The reply with markers that point at passages alone. A `DraftReply` that cites none has a problem, others not."""
    stored = await put_value(artifacts, PassageSet(passages=tuple(passages))) if passages else None
    if isinstance(reply, DraftReply):
        text, problems = check_markers(reply.answer, passages)
        items, lost_items = fitted_items(reply.items)
        return AgentAnswer(
            answer=await put_text(artifacts, text),
            passages=stored,
            missing=tuple(reply.missing),
            items=items,
            lost_items=lost_items,
            problems=problems,
        )
    # With line breaks: a list of one number in JSON would otherwise be taken for a marker.
    text = reply.text if isinstance(reply, TextReply) else reply.model_dump_json(indent=2)
    answer = await put_text(artifacts, check_markers(text, passages)[0])
    value = reply.model_dump(mode="json") if answer.reference is None else None
    return AgentAnswer(answer=answer, passages=stored, reply=value)
