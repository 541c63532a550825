"""A draft is judged by the rules first, and then by the model, whose score is kept within its bounds."""

import pytest

from activities.evaluate_result import evaluate_result
from murmuration.contracts.answers import Draft, Evaluation
from murmuration.contracts.content import Content
from murmuration.contracts.rules import Rules
from tests.activities.fakes import FakeArtifacts, FakeModel

pytestmark = pytest.mark.anyio
NO_RULES = Rules()


def evaluation(answer: str = "80 degrees.", rules: Rules = NO_RULES, **draft: tuple[str, ...]) -> Evaluation:
    return Evaluation(
        goal="tea", instruction="How hot is tea?", draft=Draft(answer=Content(text=answer), **draft), rules=rules
    )


def model(score: float) -> FakeModel:
    return FakeModel(passed=True, score=score, reasons=["short"], changes="", plan_wrong=False)


@pytest.mark.parametrize(("score", "expected"), [(-0.5, 0.0), (0.0, 0.0), (0.7, 0.7), (1.0, 1.0), (85.0, 1.0)])
async def test_the_models_score_is_kept_between_0_and_1(score: float, expected: float) -> None:
    verdict = await evaluate_result(evaluation(), model(score), FakeArtifacts())

    assert (verdict.passed, verdict.score, verdict.reasons) == (True, expected, ("short",))


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (evaluation(" "), "the answer is empty"),
        (evaluation(problems=("cites no passage",)), "cites no passage"),
        (evaluation(rules=Rules(max_characters=5)), "at most 5"),
    ],
)
async def test_a_draft_that_breaks_a_rule_fails_without_a_model(broken: Evaluation, reason: str) -> None:
    generous = model(1.0)

    verdict = await evaluate_result(broken, generous, FakeArtifacts())

    assert not verdict.passed
    assert reason in verdict.reasons[0]
    assert reason in verdict.changes
    assert generous.questions == []


async def test_a_draft_that_breaks_fewer_rules_scores_higher() -> None:
    scores = [
        (await evaluate_result(evaluation(problems=problems), model(1.0), FakeArtifacts())).score
        for problems in (("one",), ("one", "two"), ("one", "two", "three"))
    ]

    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3
    assert 0 < scores[-1] < scores[0] < 0.2
