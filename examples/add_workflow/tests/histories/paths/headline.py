"""The paths of `headline`, each with scripted steps."""

from collections.abc import Callable
from typing import Any

from murmuration.contracts.agents import AgentAnswer
from murmuration.contracts.content import Content
from murmuration.contracts.headlines import HeadlineRequest
from murmuration.contracts.steps import Done
from murmuration.contracts.word_count import WordCount
from orchestrators.headline.headline import headline
from simulation.scripted import Trace, simulate

REQUEST = HeadlineRequest(text="Green tea tastes best at 80 degrees.", max_words=3)


def run(*texts: str) -> Callable[[], Trace]:
    """A run in which the agent answers with these texts, one after the other."""

    def recorded() -> Trace:
        answers = iter(texts)

        def perform(step: str, message: Any) -> tuple[float, Any]:
            if step == "ask_agent":
                result: Any = AgentAnswer(answer=Content(text=next(answers)))
            else:
                result = WordCount(words=len(message["value"]["text"].split()))
            return 1, Done(value=result.model_dump(mode="json")).model_dump(mode="json")

        return simulate(headline, REQUEST.model_dump(mode="json"), perform)

    return recorded


PATHS = {
    "headline": {
        "short": run("Tea at 80"),
        "shortened": run("Tea is best at 80", "Tea at 80"),
        "never_short": run("Tea is best at 80", "Tea is good at 80", "Tea is fine at 80"),
    }
}
