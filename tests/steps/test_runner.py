"""What is logged of every step: enough to add up cost by tenant, agent and model, and no word of content."""

import json
import logging
from pathlib import Path

import pytest

from murmuration.contracts.agents import AgentBrief
from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import Query
from murmuration.contracts.steps import ASK_AGENT, RETRIEVE_PASSAGES, StepCall
from murmuration.policy.tenancy import run_id, tenant_key
from murmuration.steps.runner import run_step
from tests.services_on_loopback import servers

pytestmark = pytest.mark.anyio


async def test_a_step_is_logged_with_whose_it_is_and_what_it_took(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_id("acme", "one")
    brief = AgentBrief(agent="executor", goal="canary-goal", instruction="canary-instruction", passages=())
    with servers(tmp_path) as started, caplog.at_level(logging.INFO, logger="murmuration"):
        opened = started.clients(MODEL_PRICES=_a_tenth_of_a_dollar_a_token(tmp_path / "prices.toml"))
        monkeypatch.setattr("murmuration.steps.runner.current_clients", lambda: opened)
        call = StepCall(run=run, attempt=1, value=brief.model_dump(mode="json"))
        envelope = await run_step(ASK_AGENT, call.model_dump(mode="json"))
        await opened.close()

    assert envelope["outcome"] == "done"
    (line,) = [json.loads(record.message) for record in caplog.records if '"step"' in record.message]
    assert (line["step"], line["run"], line["tenant"]) == ("ask_agent", run, tenant_key("acme"))
    assert (line["agent"], line["model"]) == ("executor", "offline")
    assert line["tokens"] == sum(envelope["usage"][kind] for kind in ("input_tokens", "output_tokens"))
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
        call = StepCall(run=run_id("acme", "one"), attempt=1, value=query.model_dump(mode="json"))
        envelope = await run_step(RETRIEVE_PASSAGES, call.model_dump(mode="json"))
        await opened.close()

    assert envelope["outcome"] == "done"
    assert {record.name for record in caplog.records} == {"murmuration"}
