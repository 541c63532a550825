"""What travels back from an activity whose agent works in the background, by the real settings of the process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from activities.runner import run_step
from agents.loader import load_agent
from contracts.answers import TaskBrief
from contracts.background import UnderWay
from contracts.steps import CANCEL_BACKGROUND, EXECUTE_TASK, PENDING, StepCall
from local.cloud import local_settings
from local.model_service.routes import make_app
from local.serving import in_thread
from services.clients import current_clients
from services.settings import current_settings
from tests.services.asked import calls, script

pytestmark = pytest.mark.anyio


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The model service that the settings of this process lead to; the executor works in the background."""
    slow = load_agent("executor").model_copy(update={"background": True})
    monkeypatch.setattr("services.model.load_agent", {"executor": slow}.__getitem__)
    with in_thread(make_app) as server:
        for name, value in local_settings({}, tmp_path, 1, int(server.rpartition(":")[2])).items():
            monkeypatch.setenv(name, value)
        current_settings.cache_clear()
        current_clients.cache_clear()
        yield f"{server}/v1/"
        current_settings.cache_clear()
        current_clients.cache_clear()


async def execute(token: str | None = None, attempt: int = 1) -> dict[str, Any]:
    value = TaskBrief(goal="g", instruction="How hot?", passages=()).model_dump(mode="json")
    call = StepCall(run="k-1", attempt=attempt, token=token, value=value)
    return await run_step(EXECUTE_TASK, call.model_dump(mode="json"))


async def test_it_comes_back_with_the_token_until_it_is_done(url: str) -> None:
    script(url, {"polls": 1})

    begun = await execute()
    waiting = await execute(begun["token"])
    done = await execute(waiting["token"])
    await current_clients().close()

    assert [begun["outcome"], begun["code"], begun["seconds"]] == ["later", PENDING, None]
    assert waiting["token"] == begun["token"]
    assert done["outcome"] == "done"
    assert done["usage"]["model_calls"] == 1


async def test_a_response_that_has_failed_is_begun_anew_by_the_next_attempt(url: str) -> None:
    script(url, {"ends": "failed"})
    begun = await execute()

    broken = await execute(begun["token"])
    await current_clients().close()

    assert [broken["code"], broken["token"]] == ["model_unavailable", None]


async def test_the_step_that_cancels_ends_it_and_may_run_twice(url: str) -> None:
    script(url, {"polls": 9})
    begun = await execute()
    value = UnderWay(token=begun["token"]).model_dump(mode="json")
    call = StepCall(run="k-1", attempt=1, value=value).model_dump(mode="json")

    results = [await run_step(CANCEL_BACKGROUND, call) for _ in range(2)]
    ended = await execute(begun["token"])
    await current_clients().close()

    assert [each["outcome"] for each in results] == ["done", "done"]
    assert [ended["outcome"], ended["code"]] == ["failed", "background_cancelled"]
    assert {each["status"] for each in calls(url, "background")} == {"cancelled"}
