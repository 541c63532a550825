"""Write a headline: ask an agent -> count the words -> ask again, until it is short enough."""

from murmuration.contracts.agents import AgentBrief
from murmuration.contracts.headlines import Headline, HeadlineRequest
from murmuration.contracts.steps import ASK_AGENT, COUNT_WORDS
from murmuration.durable.calls import call
from murmuration.durable.context import Context, read_input
from murmuration.durable.flow import Strand
from murmuration.durable.registry import workflow

MAX_TRIES = 3


@workflow
def headline(context: Context) -> Strand[Headline]:
    """Return the first headline that is short enough, or the last one."""
    request = read_input(context, HeadlineRequest)
    brief = AgentBrief(agent="headline_writer", instruction="Write a headline.", input=request.text)
    for _ in range(MAX_TRIES):
        answer = (yield from call(context, ASK_AGENT, brief)).value
        count = (yield from call(context, COUNT_WORDS, answer.answer)).value
        if count.words <= request.max_words:
            break
        changes = f"It has {count.words} words. Use at most {request.max_words}."
        brief = brief.model_copy(update={"previous": answer, "changes": changes})
    return Headline(text=answer.answer.text or "", words=count.words)
