"""The text that helps people to decide on an answer."""

from collections.abc import Iterator

from murmuration.contracts.answers import Answer, Verdict


def answer_context(goal: str, answer: Answer, verdict: Verdict | None) -> str:
    """Write the goal, the evaluation, what is missing, and the sources with their quotes."""
    return "\n".join(_lines(goal, answer, verdict))


def _lines(goal: str, answer: Answer, verdict: Verdict | None) -> Iterator[str]:
    yield f"Goal: {goal}"
    yield ""
    if verdict is None:
        yield "It was not evaluated."
    else:
        reasons = "; ".join(verdict.reasons) or "nothing more"
        yield f"Evaluation: {'passed' if verdict.passed else 'not passed'}, score {verdict.score:.2f} ({reasons})"
    for missing in answer.missing:
        yield f"Not answered: {missing}"
    for citation in answer.citations:
        yield f"[{citation.number}] {citation.source}, {citation.title}: \u201c{citation.quote}\u201d"
