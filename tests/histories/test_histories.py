"""Today's code decides as it did when the histories were recorded, and what would decide otherwise is found."""

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from loopback.functions import protocol as wire
from loopback.functions.replay.recorded import Recorded, differences
from murmuration.durable.context import Context
from murmuration.durable.flow import Strand
from orchestrators.goal.run import Run
from simulation.virtual_host import VERSION
from tests.histories.corpus import FOLDER, HANDLES, ORCHESTRATORS, kept, of, place_of, write
from tests.histories.paths import PATHS

Orchestrator = Callable[[Context], Generator[Any, Any, dict[str, Any]]]
COMPLETED = place_of("achieve_goal", "completed")
ONE_EACH = [
    place_of(*each)
    for each in (
        ("achieve_goal", "completed"),
        ("approval_gate", "approved"),
        ("read_documents", "read"),
        ("forget", "outage"),
    )
]


def called(place: Path) -> str:
    return place.relative_to(FOLDER).with_suffix("").as_posix()


@pytest.mark.parametrize("place", kept(), ids=called)
def test_an_old_history_replays_on_todays_code(place: Path) -> None:
    """After every episode: the same steps with the same inputs in the same order, and the same end."""
    found = differences(HANDLES[place.parent.name], Recorded.read(place))

    assert not found, "\n".join(found)


def test_every_path_of_the_current_version_is_on_file() -> None:
    paths = {f"{orchestrator}/{path}" for orchestrator, found in PATHS.items() for path in found}

    assert {called(each).partition("/")[2] for each in kept() if each.parts[-3] == VERSION} == paths
    assert set(PATHS) <= set(ORCHESTRATORS)


@pytest.mark.parametrize("workflow", sorted(ORCHESTRATORS))
def test_every_workflow_has_recorded_histories(workflow: str) -> None:
    assert workflow in PATHS, (
        f"the workflow {workflow!r} has no recorded histories: write tests/histories/paths/{workflow}.py with a "
        "scripted run of every path, then run `python -m tests.histories` (CONTRIBUTING.md, Add a workflow)"
    )


def test_a_recording_comes_out_the_same_again(tmp_path: Path) -> None:
    for orchestrator, path in (("achieve_goal", "outage"), ("approval_gate", "ignored")):
        write(of(orchestrator, PATHS[orchestrator][path]()), tmp_path / "again.json")

        assert (tmp_path / "again.json").read_bytes() == place_of(orchestrator, path).read_bytes()


@pytest.mark.parametrize("place", ONE_EACH, ids=called)
def test_a_step_more_at_the_end_is_found(place: Path) -> None:
    before: Orchestrator = ORCHESTRATORS[place.parent.name]

    def changed(context: Context) -> Generator[Any, Any, Any]:
        result = yield from before(context)
        yield context.call_activity("archive", 1)
        return result

    found = differences(df.Orchestrator.create(changed), Recorded.read(place))

    assert len(found) == 1
    assert "new: step" in found[0]
    assert "activity archive with 1" in found[0]


def no_recall(run: Run) -> Strand[tuple[()]]:
    return ()
    yield  # a strand that waits for nothing


def test_a_step_that_is_left_out_is_found_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrators.goal.achieve_goal.recall", no_recall)

    found = differences(HANDLES["achieve_goal"], Recorded.read(COMPLETED))

    assert any("episode 1: not any more: step 0: activity recall_memory" in each for each in found)


def test_a_step_with_another_input_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure would not notice it: replay compares names alone."""
    monkeypatch.setattr("orchestrators.goal.planning.plan_text", lambda goal, plan: "in other words")

    found = differences(HANDLES["achieve_goal"], Recorded.read(place_of("achieve_goal", "plan_approved")))

    assert [each.partition("sub")[0] for each in found] == [
        "episode 3: not any more: step 2: ",
        "episode 3: new: step 2: ",
    ]
    assert "in other words" in found[1]


def test_a_limit_that_was_lowered_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrators.goal.planning.PLANS_ASKED_FOR", 2)

    found = differences(HANDLES["achieve_goal"], Recorded.read(place_of("achieve_goal", "unusable_plan")))

    assert "episode 4: not any more: step 3: activity plan_goal" in found[0]


def test_a_version_gate_routes_an_old_run_along_the_old_way(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Recorded.read(COMPLETED)
    new = Recorded(**{**vars(old), "events": [_of_version(event, "9.0") for event in old.events]})

    def gated(context: Context) -> Generator[Any, Any, Any]:
        if context.version != VERSION:
            yield context.call_activity("greet", 1)
        return (yield from ORCHESTRATORS["achieve_goal"](context))

    handle = df.Orchestrator.create(gated)

    assert differences(handle, old) == []
    assert "new: step 0: activity greet with 1" in "\n".join(differences(handle, new))


def _of_version(each: dict[str, Any], version: str) -> dict[str, Any]:
    return {**each, "Version": version} if each["EventType"] == wire.EXECUTION_STARTED else each


def test_the_corpus_stays_small() -> None:
    """It is read by everybody who clones."""
    sizes = {called(each): each.stat().st_size for each in kept()}

    assert sum(sizes.values()) < 1_500_000, sorted(sizes.items(), key=lambda each: each[1])[-5:]
    assert all(json.loads(each.read_text(encoding="utf-8"))["instance"] for each in kept())


def rewritten(place: Path, name: str, change: Callable[[dict[str, Any]], None]) -> Recorded:
    """The history, with the recorded input of the activity `name` changed."""
    recorded = Recorded.read(place)
    for event in recorded.events:
        if event["EventType"] == wire.TASK_SCHEDULED and event["Name"] == name:
            (given,) = json.loads(event["Input"])
            message = json.loads(given)
            change(message["value"])
            event["Input"] = json.dumps([json.dumps(message)])
    return recorded


def test_a_field_that_has_come_since_is_no_difference() -> None:
    older = rewritten(COMPLETED, "ask_agent", lambda value: value.pop("agent"))

    assert differences(HANDLES["achieve_goal"], older) == []


def test_a_field_that_is_gone_is_one() -> None:
    newer = rewritten(COMPLETED, "ask_agent", lambda value: value.update(mood="good"))

    found = differences(HANDLES["achieve_goal"], newer)

    assert found
    assert '"mood": "good"' in found[0]
    assert "not any more: " in found[0]
