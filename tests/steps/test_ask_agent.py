"""Any agent is asked by its name; its reply is valid by its contract, and its markers point at passages."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from murmuration.contracts.agents import AgentAnswer, AgentBrief
from murmuration.contracts.answers import Draft, TaskAnswer
from murmuration.contracts.content import INLINE_BYTES, Content, Reference
from murmuration.contracts.passages import Passage, PassageSet
from murmuration.contracts.plans import MAX_ITEMS
from murmuration.contracts.replies import PlanReply
from murmuration.policy.tenancy import run_id
from murmuration.services.errors import GiveUp
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import get_text, get_value, put_value
from murmuration.steps.ask_agent import ask_agent
from tests.added_agents import added_agents
from tests.services_on_loopback import Servers, servers

pytestmark = pytest.mark.anyio
GREEN = Passage(id="1", text="Green tea needs water of 80 degrees.", source="green.md")
BLACK = Passage(id="2", text="Black tea needs boiling water.", source="black.md")


class Asking:
    """The step with its clients, as the runner calls it."""

    def __init__(self, started: Servers) -> None:
        self._started = started
        self._clients = started.clients()
        self.artifacts = self._clients.store.of_run(run_id("acme", "test"))
        self.step_context = StepContext(last_attempt=True)

    async def ask(self, agent: str = "poet", instruction: str = "A line.", **brief: Any) -> AgentAnswer:
        model = self._clients.model(self.step_context)
        return await ask_agent(AgentBrief(agent=agent, instruction=instruction, **brief), model, self.artifacts)

    def replies(self, reply: dict[str, Any], agent: str = "poet") -> None:
        self._started.script(agent, {"reply": reply})

    def message(self) -> dict[str, Any]:
        """The last message that an agent was sent."""
        message: dict[str, Any] = json.loads(self._started.calls()[-1]["content"])
        return message

    async def store(self, *passages: Passage) -> Reference:
        return await put_value(self.artifacts, PassageSet(passages=passages))

    async def close(self) -> None:
        await self._clients.close()


@pytest.fixture
async def asking(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Asking]:
    """With an added agent `poet`, whose contract is `TextReply` unless the test says otherwise."""
    reply = getattr(request, "param", "TextReply")
    with added_agents(tmp_path, broken=False, reply=reply), servers(tmp_path) as started:
        step = Asking(started)
        yield step
        await step.close()


async def test_an_added_agent_answers_with_its_text_and_its_reply(asking: Asking) -> None:
    asking.replies({"text": "Tea, hot."})

    answer = await asking.ask(input={"about": "tea"}, goal="a poem")

    assert (answer.answer.text, answer.reply) == ("Tea, hot.", {"text": "Tea, hot."})
    assert answer.passages is None
    assert asking.step_context.prompts == {"poet": "1"}
    asked = asking.message()
    assert (asked["instruction"], asked["input"], asked["goal"]) == ("A line.", {"about": "tea"}, "a poem")


async def test_without_a_skill_the_offline_model_answers_from_the_material(asking: Asking) -> None:
    assert (await asking.ask(input="Tea is hot. It is green.")).answer.text == "Tea is hot. It is green."
    assert (await asking.ask(instruction="Say hello.")).answer.text == "Say hello."


async def test_earlier_answers_come_with_what_they_cite(asking: Asking) -> None:
    draft = Draft(answer=Content(text="Boiling [2]."), passages=await asking.store(GREEN, BLACK))
    asking.replies({"text": "Kochend [2], sagt man [7]."})

    answer = await asking.ask(
        passages=(await asking.store(GREEN),), earlier=(TaskAnswer(task="t1", instruction="How hot?", draft=draft),)
    )

    asked = asking.message()
    assert [passage["source"] for passage in asked["passages"]] == ["green.md", "black.md"]
    assert asked["earlier"] == [{"task": "t1", "instruction": "How hot?", "answer": "Boiling [2]."}]
    assert answer.answer.text == "Kochend [2], sagt man."
    assert answer.passages is not None
    assert (await get_value(asking.artifacts, answer.passages, PassageSet)).passages == (GREEN, BLACK)
    assert answer.problems == ()


async def test_a_marker_of_a_fixed_answer_points_at_nothing_and_is_left_out(asking: Asking) -> None:
    fixed = Draft(answer=Content(text="See the manual [1]."))

    await asking.ask(earlier=(TaskAnswer(task="t1", instruction="How?", draft=fixed),))

    assert asking.message()["earlier"][0]["answer"] == "See the manual."


async def test_a_draft_is_checked_for_citations(asking: Asking) -> None:
    passages = (await asking.store(GREEN),)
    asking.replies({"answer": "80 degrees [3].", "missing": ["why"], "items": [" a ", ""]}, agent="executor")

    answer = await asking.ask("executor", passages=passages)

    assert answer.answer.text == "80 degrees."
    assert answer.problems == ("cites [3], which is none of the passages", "cites no passage")
    assert (answer.missing, answer.items, answer.reply) == (("why",), ("a",), None)


async def test_items_that_are_left_out_or_cut_are_named(asking: Asking) -> None:
    passages = (await asking.store(GREEN),)
    items = ["the leaves of spring " * 13, *(f"tea {number}" for number in range(2, 26))]
    asking.replies({"answer": "Many [1].", "missing": [], "items": items}, agent="executor")

    answer = await asking.ask("executor", passages=passages)

    cut = answer.items[0]
    assert (len(answer.items), cut.endswith("…")) == (MAX_ITEMS, True)
    lost = [item.item for item in answer.lost_items]
    assert lost == [cut, *(f"tea {number}" for number in range(21, 26))]


@pytest.mark.parametrize("asking", ["PlanReply"], indirect=True)
async def test_a_reply_without_a_text_is_answered_as_json(asking: Asking) -> None:
    task = {"id": "t1", "type": "x", "instruction": "see [4]", "queries": [], "depends_on": [], "timeout_seconds": 1}
    asking.replies({"tasks": [task]})

    answer = await asking.ask()

    assert PlanReply.model_validate(answer.reply).tasks[0].instruction == "see [4]"
    assert PlanReply.model_validate_json(answer.answer.text or "").tasks[0].timeout_seconds == 1


async def test_a_long_reply_travels_as_a_reference(asking: Asking) -> None:
    asking.replies({"text": "x" * (INLINE_BYTES + 1)})

    answer = await asking.ask()

    assert (answer.answer.text, answer.reply) == (None, None)
    assert len(await get_text(asking.artifacts, answer.answer)) == INLINE_BYTES + 1


async def test_a_reply_that_is_not_as_the_contract_says_is_asked_for_again_and_then_given_up(asking: Asking) -> None:
    asking._started.script("poet", {"reply": {"line": "Tea"}, "repeat": True})

    with pytest.raises(GiveUp) as given_up:
        await asking.ask()

    assert given_up.value.code == "unusable_reply"


async def test_an_agent_that_is_not_there_fails_for_good(asking: Asking) -> None:
    with pytest.raises(GiveUp) as given_up:
        await asking.ask("wizard")

    assert given_up.value.code == "unknown_agent"
    assert "there is no agent 'wizard'" in str(given_up.value)
