"""Merges the results of the tasks into the answer to the goal, with citations."""

from murmuration.contracts.answers import Answer, AnswerBrief
from murmuration.contracts.passages import PassageSet
from murmuration.contracts.replies import DraftReply
from murmuration.policy.citations import check_markers, citations_of, in_order_of_appearance
from murmuration.services.model.model import Model
from murmuration.services.storage.artifacts import Artifacts, get_text, put_text, put_value
from murmuration.services.storage.prompt_inputs import (
    as_prompt,
    conversation_as_prompt,
    merge_citations,
    read_passages,
)
from murmuration.services.storage.sessions import Sessions


async def write_answer(brief: AnswerBrief, model: Model, artifacts: Artifacts, sessions: Sessions) -> Answer:
    """Safe to run twice: it asks, and stores texts under the hash of their content."""
    # A revision keeps the order of the previous draft's passages, so that its markers still hold.
    before = await read_passages(artifacts, [brief.previous.passages] if brief.previous else [])
    passages, results = await merge_citations(artifacts, before, brief.results)
    reply = await model.ask(
        "writer",
        {
            "goal": brief.goal,
            "conversation": await conversation_as_prompt(sessions, brief.session),
            "results": results,
            "passages": as_prompt(passages),
            "failed": [task.model_dump() for task in brief.failed],
            "previous": await get_text(artifacts, brief.previous.answer) if brief.previous else None,
            "changes": brief.changes or None,
            "wishes": list(brief.wishes),
        },
        DraftReply,
    )
    answer, problems = check_markers(reply.answer, passages)
    answer, passages = in_order_of_appearance(answer, passages)
    return Answer(
        answer=await put_text(artifacts, answer),
        passages=await put_value(artifacts, PassageSet(passages=tuple(passages))),
        missing=tuple(reply.missing),
        problems=problems,
        citations=citations_of(answer, passages),
    )
