"""A step's outcome says what it was for, when it ran and what it used; the log adds cost, and holds no content."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from murmuration.contracts.agents import AgentBrief
from murmuration.contracts.background import Cancelled, UnderWay
from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import Query
from murmuration.contracts.steps import ASK_AGENT, RETRIEVE_PASSAGES, Done, Failed, Later, Step, StepCall
from murmuration.contracts.usage import Tokens, Usage, used
from murmuration.policy.tenancy import run_id, tenant_key
from murmuration.services.clients import Clients
from murmuration.services.settings import settings_from
from murmuration.steps.runner import StepBroke, run_step
from tests.services.model_caller import EXAMPLE
from tests.services_on_loopback import servers
from tests.steps.samples.use_tokens_and_fail import FAILURES

pytestmark = pytest.mark.anyio
RUN = run_id("acme", "one")
CANARY = "canary-token"


def sample(name: str) -> Step[UnderWay, Cancelled]:
    return Step(name, UnderWay, Cancelled, attempts=3, timeout_seconds=0, package="tests.steps.samples")


def message(**changed: Any) -> dict[str, Any]:
    return StepCall(**{"run": RUN, "attempt": 1, "value": {"token": CANARY}, **changed}).model_dump(mode="json")


async def test_an_outcome_says_what_the_step_was_for_and_when_it_ran() -> None:
    before = datetime.now(UTC)

    outcome = Failed.model_validate(await run_step(sample("refuse"), message(about="t1[2]", attempt=2)))

    assert (outcome.code, outcome.message) == ("not_today", "come back tomorrow")
    assert (outcome.about, outcome.attempt) == ("t1[2]", 2)
    assert outcome.began is not None
    assert outcome.ended is not None
    assert before <= outcome.began <= outcome.ended <= datetime.now(UTC)


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failed_attempt_reports_what_it_used(failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clients = Clients(settings_from(EXAMPLE, lambda vault, name: ""))
    monkeypatch.setattr("murmuration.steps.runner.current_clients", lambda: clients)

    outcome = await run_step(sample("use_tokens_and_fail"), message(value={"token": failure}))

    assert outcome["outcome"] in ("failed", "later")
    assert Usage.model_validate(outcome["usage"]) == used("offline", Tokens(input=70, output=7), calls=1)


async def test_a_step_that_takes_too_long_is_tried_again_later() -> None:
    outcome = Later.model_validate(await run_step(sample("oversleep"), message()))

    assert outcome.code == "step_timeout"


async def test_a_step_without_its_settings_fails_with_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "murmuration.steps.runner.current_clients", lambda: Clients(settings_from({}, lambda vault, name: ""))
    )

    outcome = Failed.model_validate(await run_step(ASK_AGENT, message(value={"agent": "writer", "instruction": "?"})))

    assert outcome.code == "settings_error"
    assert "setting MODEL_STANDARD is missing" in outcome.message


async def test_nothing_of_the_text_of_a_bug_leaves_the_step(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="murmuration"), pytest.raises(StepBroke) as broke:
        await run_step(sample("break_down"), message())

    assert str(broke.value) == "break_down: ValueError"
    assert broke.value.__cause__ is None
    assert broke.value.__suppress_context__
    (line,) = [json.loads(record.message) for record in caplog.records]
    assert (line["event"], line["step"], line["error"]) == ("step_broke", "break_down", "ValueError")
    assert line["file"].endswith("break_down.py")
    assert CANARY not in caplog.text


async def test_a_step_is_logged_with_its_tenant_and_its_cost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = AgentBrief(agent="executor", goal="canary-goal", instruction="canary-instruction", passages=())
    with servers(tmp_path) as started, caplog.at_level(logging.INFO, logger="murmuration"):
        opened = started.clients(MODEL_PRICES=_a_tenth_of_a_dollar_a_token(tmp_path / "prices.toml"))
        monkeypatch.setattr("murmuration.steps.runner.current_clients", lambda: opened)
        outcome = Done.model_validate(await run_step(ASK_AGENT, message(value=brief.model_dump(mode="json"))))
        await opened.close()

    (line,) = [json.loads(record.message) for record in caplog.records if '"step"' in record.message]
    assert (line["step"], line["run"], line["tenant"]) == ("ask_agent", RUN, tenant_key("acme"))
    assert (line["agent"], line["model"]) == ("executor", "offline")
    assert line["tokens"] == outcome.usage.tokens > 0
    assert line["micro_dollars"] == line["tokens"] * 100_000
    assert "canary" not in caplog.text


def _a_tenth_of_a_dollar_a_token(path: Path) -> str:
    dollars = "{ input = 100000, cached_input = 100000, output = 100000 }"
    path.write_text(f"date = 2026-11-21\n[models]\noffline = {dollars}\n", encoding="utf-8")
    return str(path)


async def test_the_libraries_do_not_log_every_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Query(owner=Owner(tenant="acme"), text="tea")
    with servers(tmp_path) as started, caplog.at_level(logging.INFO):
        opened = started.clients()
        monkeypatch.setattr("murmuration.steps.runner.current_clients", lambda: opened)
        outcome = await run_step(RETRIEVE_PASSAGES, message(value=query.model_dump(mode="json")))
        await opened.close()

    assert outcome["outcome"] == "done"
    assert {record.name for record in caplog.records} == {"murmuration"}
