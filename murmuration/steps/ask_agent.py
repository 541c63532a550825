"""Asks any agent by its name, and checks its reply by the contract in the agent's file."""

from collections.abc import Sequence

from pydantic import JsonValue

from murmuration.contracts.agents import AgentAnswer, AgentBrief
from murmuration.contracts.passages import Passage, PassageSet
from murmuration.contracts.plans import MAX_ITEMS
from murmuration.contracts.replies import DraftReply, TextReply
from murmuration.policy.citations import check_markers, renumber
from murmuration.services.model.model import Model, find_agent
from murmuration.services.storage.artifacts import Artifacts, get_text, put_text, put_value
from murmuration.services.storage.prompt_inputs import as_prompt, read_passages, resolve_references

MAX_ITEM_CHARACTERS = 200


async def ask_agent(brief: AgentBrief, model: Model, artifacts: Artifacts) -> AgentAnswer:
    """Safe to run twice: it only asks, and stores texts under the hash of their content."""
    passages = await read_passages(artifacts, brief.passages)
    reply = await model.ask(brief.agent, await _question(brief, passages, artifacts), find_agent(brief.agent).contract)
    if isinstance(reply, DraftReply):
        return await _cited_draft(reply, passages, artifacts)
    # With line breaks: a list of one number in JSON would otherwise be taken for a marker.
    text, _ = check_markers(reply.text if isinstance(reply, TextReply) else reply.model_dump_json(indent=2), passages)
    answer = await put_text(artifacts, text)
    return AgentAnswer(
        answer=answer,
        passages=await put_value(artifacts, PassageSet(passages=passages)) if passages else None,
        reply=reply.model_dump(mode="json") if answer.reference is None else None,
    )


async def _question(brief: AgentBrief, passages: Sequence[Passage], artifacts: Artifacts) -> dict[str, JsonValue]:
    """The message as agents see it. Markers of earlier answers are left out: they number other passages."""
    earlier: list[JsonValue] = [
        {
            "task": answer.task,
            "instruction": answer.instruction,
            "answer": renumber(await get_text(artifacts, answer.answer), {}),
        }
        for answer in brief.earlier
    ]
    return {
        "goal": brief.goal,
        "instruction": await resolve_references(artifacts, brief.instruction, brief.inserts),
        "input": brief.input,
        "passages": as_prompt(passages),
        "earlier": earlier,
        "previous": await get_text(artifacts, brief.previous.answer) if brief.previous else None,
        "changes": brief.changes or None,
    }


async def _cited_draft(reply: DraftReply, passages: Sequence[Passage], artifacts: Artifacts) -> AgentAnswer:
    answer, problems = check_markers(reply.answer, passages)
    return AgentAnswer(
        answer=await put_text(artifacts, answer),
        passages=await put_value(artifacts, PassageSet(passages=tuple(passages))),
        missing=tuple(reply.missing),
        items=tuple(item.strip()[:MAX_ITEM_CHARACTERS] for item in reply.items if item.strip())[:MAX_ITEMS],
        problems=problems,
    )
