"""Merges the results of the tasks into the answer to the goal, with citations."""

from murmuration.contracts.answers import Answer, AnswerBrief
from murmuration.contracts.passages import Passage, PassageSet
from murmuration.contracts.replies import DraftReply
from murmuration.policy.citations import check_markers, citations_of, cited_numbers, renumber
from murmuration.services.model.model import Model
from murmuration.services.storage.artifacts import Artifacts, get_text, put_text, put_value
from murmuration.services.storage.prompt_inputs import as_prompt, conversation, merge_citations, read_passages
from murmuration.services.storage.sessions import Sessions


async def write_answer(brief: AnswerBrief, model: Model, artifacts: Artifacts, sessions: Sessions) -> Answer:
    """Safe to run twice: it asks, and keeps texts under the name of their content."""
    # In a revision the passages stand in the order of the draft before, so that its markers still hold.
    before = await read_passages(artifacts, [brief.previous.passages] if brief.previous else [])
    passages, results = await merge_citations(artifacts, before, brief.results)
    previous = await get_text(artifacts, brief.previous.answer) if brief.previous else None
    reply = await model.ask(
        "writer",
        {
            "goal": brief.goal,
            "conversation": await conversation(sessions, brief.session),
            "results": results,
            "passages": as_prompt(passages),
            "failed": [each.model_dump() for each in brief.failed],
            "previous": previous,
            "changes": brief.changes or None,
        },
        DraftReply,
    )
    answer, problems = check_markers(reply.answer, passages)
    answer, passages = _in_order(answer, passages)
    return Answer(
        answer=await put_text(artifacts, answer),
        passages=await put_value(artifacts, PassageSet(passages=tuple(passages))),
        missing=tuple(dict.fromkeys((*reply.missing, *(each.instruction for each in brief.failed)))),
        problems=problems,
        citations=citations_of(answer, passages),
    )


def _in_order(answer: str, passages: list[Passage]) -> tuple[str, list[Passage]]:
    """The answer with its citations numbered in order of appearance, and the passages in that order."""
    order = cited_numbers(answer)
    numbers = {old: new for new, old in enumerate(order, start=1)}
    rest = [passage for number, passage in enumerate(passages, start=1) if number not in numbers]
    return renumber(answer, numbers), [*(passages[old - 1] for old in order), *rest]
