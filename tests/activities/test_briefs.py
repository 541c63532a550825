"""A brief is put before the model whole: its wishes, the plan before, and everything that was lost."""

import json
from typing import cast

import pytest

from activities.evaluate_result import evaluate_result
from activities.plan_goal import plan_goal
from activities.write_answer import write_answer
from murmuration.agents.loader import load_agent
from murmuration.contracts.answers import AnswerBrief, Draft, Evaluation, FailedTask
from murmuration.contracts.content import Content
from murmuration.contracts.plans import PlanBrief
from murmuration.contracts.replies import PlanReply
from murmuration.policy.plan_rules import checked_plan
from murmuration.services.storage.sessions import Sessions
from tests.activities.fakes import FakeArtifacts, FakeModel

pytestmark = pytest.mark.anyio
NO_SESSIONS = cast(Sessions, None)
"""A brief without a session reads none."""
WISHES = ("Search the archive folder only.", "Name the shelf, too.")
LOST = FailedTask(task="t2[3]", instruction="how hot is black?", reason="model_refused: no")
TASK = {"id": "x", "type": "executor", "instruction": "find it", "timeout_seconds": 600}
SHOWN = checked_plan(PlanReply.model_validate({"tasks": [TASK]}))


async def test_the_planner_sees_all_wishes_and_the_plan_that_was_shown() -> None:
    model = FakeModel(tasks=[TASK])

    await plan_goal(PlanBrief(goal="tea", wishes=WISHES, previous=SHOWN), model, NO_SESSIONS)

    (question,) = model.questions
    assert question["wishes"] == list(WISHES)
    assert question["previous"] == [TASK], "as the planner writes tasks, so that it can keep them word for word"
    assert json.dumps(question)


async def test_the_first_question_to_the_planner_has_neither() -> None:
    model = FakeModel(tasks=[TASK])

    await plan_goal(PlanBrief(goal="tea"), model, NO_SESSIONS)

    assert (model.questions[0]["wishes"], model.questions[0]["previous"]) == ([], None)


async def test_the_writer_sees_all_wishes_whatever_is_to_be_changed() -> None:
    model = FakeModel(answer="80 degrees.", missing=["how long?"])
    brief = AnswerBrief(goal="tea", results=(), failed=(LOST,), changes="Say where.", wishes=WISHES)

    answer = await write_answer(brief, model, FakeArtifacts(), NO_SESSIONS)

    (question,) = model.questions
    assert (question["wishes"], question["changes"]) == (list(WISHES), "Say where.")
    assert question["failed"] == [LOST.model_dump()]
    assert answer.missing == ("how long?",), "the run adds what was lost"


async def test_the_evaluator_judges_by_all_wishes_and_knows_what_was_lost() -> None:
    model = FakeModel(passed=True, score=1.0, reasons=[], changes="", plan_wrong=False)
    draft = Draft(answer=Content(text="80 degrees."))

    await evaluate_result(
        Evaluation(goal="tea", instruction="How hot?", draft=draft, wishes=WISHES, failed=(LOST,)),
        model,
        FakeArtifacts(),
    )

    (question,) = model.questions
    assert question["wishes"] == list(WISHES)
    assert question["failed"] == [LOST.model_dump()]


@pytest.mark.parametrize(
    ("agent", "fields"),
    [("planner", ("wishes", "previous")), ("writer", ("wishes", "failed")), ("evaluator", ("wishes", "failed"))],
)
def test_the_prompt_explains_each_field(agent: str, fields: tuple[str, ...]) -> None:
    assert all(f"`{field}`" in load_agent(agent).prompt for field in fields)
