"""Answers one task of the plan from the passages it was given."""

from pydantic import JsonValue

from murmuration.contracts.answers import Draft, TaskBrief
from murmuration.contracts.passages import PassageSet
from murmuration.contracts.plans import MAX_ITEMS
from murmuration.contracts.replies import DraftReply
from murmuration.policy.citations import check_markers
from murmuration.services.model.model import Model
from murmuration.services.storage.artifacts import Artifacts, get_text, put_text, put_value
from murmuration.services.storage.prompt_inputs import as_prompt, read_passages, resolve_references

ITEM_CHARACTERS = 200


async def execute_task(brief: TaskBrief, model: Model, artifacts: Artifacts) -> Draft:
    """Safe to run twice: it asks, and keeps texts under the name of their content."""
    passages = await read_passages(artifacts, brief.passages)
    earlier: list[JsonValue] = [
        {"task": each.task, "instruction": each.instruction, "answer": await get_text(artifacts, each.answer)}
        for each in brief.earlier
    ]
    previous = await get_text(artifacts, brief.previous.answer) if brief.previous else None
    reply = await model.ask(
        brief.agent,
        {
            "goal": brief.goal,
            "instruction": await resolve_references(artifacts, brief.instruction, brief.inserts),
            "passages": as_prompt(passages),
            "earlier": earlier,
            "previous": previous,
            "changes": brief.changes or None,
        },
        DraftReply,
    )
    answer, problems = check_markers(reply.answer, passages)
    return Draft(
        answer=await put_text(artifacts, answer),
        passages=await put_value(artifacts, PassageSet(passages=passages)),
        missing=tuple(reply.missing),
        items=tuple(item.strip()[:ITEM_CHARACTERS] for item in reply.items if item.strip())[:MAX_ITEMS],
        problems=problems,
    )
