"""Write a headline: ask an agent -> count the words -> ask again, until it is short enough."""

from murmuration.contracts.agents import AgentBrief
from murmuration.contracts.headlines import Headline, HeadlineRequest
from murmuration.contracts.steps import ASK_AGENT, COUNT_WORDS
from murmuration.durable.calls import call
from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow

MAX_TRIES = 3


@workflow
async def headline(flow: Flow, request: HeadlineRequest) -> Headline:
    """Return the first headline that is short enough, or the last one."""
    brief = AgentBrief(agent="headline_writer", instruction="Write a headline.", input=request.text)
    for _ in range(MAX_TRIES):
        answer = (await call(flow, ASK_AGENT, brief)).value
        count = (await call(flow, COUNT_WORDS, answer.answer)).value
        if count.words <= request.max_words:
            break
        changes = f"It has {count.words} words. Use at most {request.max_words}."
        brief = brief.model_copy(update={"previous": answer, "changes": changes})
    return Headline(text=answer.answer.text or "", words=count.words)
