"""Today's code decides as it did when the histories were recorded, and a change that would break a run is noticed."""

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from loopback.functions import protocol as wire
from loopback.functions.replay.recorded import Recorded, differences
from murmuration.durable.context import Context
from orchestrators.goal.run import Run
from simulation.virtual_host import VERSION
from tests.histories.corpus import APP_WORKFLOWS, FOLDER, HANDLES, all_histories, history_path, recorded, write
from tests.histories.paths import PATHS

MAX_CORPUS_BYTES = 1_500_000
"""Everybody who clones the repository gets it."""
COMPLETED = history_path("achieve_goal", "completed")
ONE_PER_WORKFLOW = [history_path(workflow, next(iter(paths))) for workflow, paths in PATHS.items()]


def name_of(file: Path) -> str:
    return file.relative_to(FOLDER).with_suffix("").as_posix()


def advice(file: Path) -> str:
    """Tell a developer how to go on when today's code would replay a history differently."""
    branch = (
        "leave the file as it is, raise defaultVersion in host.json, and keep the old way for old runs: "
        "`if flow.version == ...` (CONTRIBUTING.md, Change a workflow)"
    )
    version = file.relative_to(FOLDER).parts[0]
    if version != VERSION:
        return f"Runs of version {version} that are under way would break. To keep them, {branch}."
    return (
        f"Runs of version {version} that are under way would break.\n"
        f"- Before {version} is released: `python -m tests.histories` records it anew. Read the difference first.\n"
        f"- After its release: {branch}."
    )


@pytest.mark.parametrize("file", all_histories(), ids=name_of)
def test_an_old_history_replays_on_todays_code(file: Path) -> None:
    """After every episode: the same steps with the same inputs in the same order, and the same end."""
    changes = differences(HANDLES[file.parent.name], Recorded.read(file))

    assert not changes, "\n".join([f"{name_of(file)} would be replayed differently:", *changes, advice(file)])


def test_a_failing_history_says_what_to_do() -> None:
    current, old = advice(COMPLETED), advice(history_path("greet", "greeted", "0.9"))

    assert "python -m tests.histories" in current
    assert "defaultVersion" in current
    assert "python -m tests.histories" not in old, "the file of a released version is never recorded again"
    assert "defaultVersion" in old


def test_every_path_of_the_current_version_is_on_file() -> None:
    paths = {f"{workflow}/{path}" for workflow, runs in PATHS.items() for path in runs}

    assert {name_of(file).partition("/")[2] for file in all_histories() if file.parts[-3] == VERSION} == paths
    assert set(PATHS) <= set(APP_WORKFLOWS)


@pytest.mark.parametrize("workflow", sorted(APP_WORKFLOWS))
def test_every_workflow_has_recorded_histories(workflow: str) -> None:
    assert workflow in PATHS, (
        f"the workflow {workflow!r} has no recorded histories: write tests/histories/paths/{workflow}.py with a "
        "scripted run of every path, then run `python -m tests.histories` (CONTRIBUTING.md, Add a workflow)"
    )


def test_a_recording_comes_out_the_same_again(tmp_path: Path) -> None:
    for workflow, path in (("achieve_goal", "outage"), ("approval_gate", "ignored")):
        write(recorded(workflow, PATHS[workflow][path]()), tmp_path / "again.json")

        assert (tmp_path / "again.json").read_bytes() == history_path(workflow, path).read_bytes()


@pytest.mark.parametrize("file", ONE_PER_WORKFLOW, ids=name_of)
def test_another_step_at_the_end_is_noticed(file: Path) -> None:
    def changed(context: Context) -> Generator[Any, Any, Any]:
        result = yield from APP_WORKFLOWS[file.parent.name](context)
        yield context.call_activity("archive", 1)
        return result

    changes = differences(df.Orchestrator.create(changed), Recorded.read(file))

    assert len(changes) == 1
    assert "new: step" in changes[0]
    assert "activity archive with 1" in changes[0]


async def no_recall(run: Run) -> tuple[()]:
    return ()


def test_a_step_that_is_left_out_is_noticed_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrators.goal.achieve_goal.recall", no_recall)

    changes = differences(HANDLES["achieve_goal"], Recorded.read(COMPLETED))

    assert any("episode 1: not any more: step 0: activity recall_memory" in change for change in changes)


def test_a_step_with_another_input_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure would not notice it: its replay compares names alone."""
    monkeypatch.setattr("orchestrators.goal.planning.plan_text", lambda goal, plan: "in other words")

    changes = differences(HANDLES["achieve_goal"], Recorded.read(history_path("achieve_goal", "plan_approved")))

    assert [change.partition("sub")[0] for change in changes] == [
        "episode 3: not any more: step 2: ",
        "episode 3: new: step 2: ",
    ]
    assert "in other words" in changes[1]


def test_a_limit_that_was_lowered_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrators.goal.planning.PLANS_ASKED_FOR", 2)

    changes = differences(HANDLES["achieve_goal"], Recorded.read(history_path("achieve_goal", "unusable_plan")))

    assert "episode 4: not any more: step 3: activity plan_goal" in changes[0]


def test_the_corpus_stays_small() -> None:
    sizes = {name_of(file): file.stat().st_size for file in all_histories()}

    assert sum(sizes.values()) < MAX_CORPUS_BYTES, sorted(sizes.items(), key=lambda item: item[1])[-5:]
    assert all(json.loads(file.read_text(encoding="utf-8"))["instance"] for file in all_histories())


def with_changed_input(file: Path, activity: str, change: Callable[[dict[str, Any]], None]) -> Recorded:
    """The history, with the recorded input of the activity changed."""
    history = Recorded.read(file)
    for event in history.events:
        if event["EventType"] == wire.TASK_SCHEDULED and event["Name"] == activity:
            (text,) = json.loads(event["Input"])
            message = json.loads(text)
            change(message["value"])
            event["Input"] = json.dumps([json.dumps(message)])
    return history


def test_a_new_field_of_an_input_is_no_difference() -> None:
    older = with_changed_input(COMPLETED, "ask_agent", lambda value: value.pop("agent"))

    assert differences(HANDLES["achieve_goal"], older) == []


def test_a_missing_field_of_an_input_is_a_difference() -> None:
    newer = with_changed_input(COMPLETED, "ask_agent", lambda value: value.update(mood="good"))

    changes = differences(HANDLES["achieve_goal"], newer)

    assert changes
    assert '"mood": "good"' in changes[0]
    assert "not any more: " in changes[0]


def test_a_workflow_without_histories_is_named_with_what_to_do() -> None:
    with pytest.raises(
        AssertionError, match=r"'lonely' has no recorded histories: write tests/histories/paths/lonely.py"
    ):
        test_every_workflow_has_recorded_histories("lonely")
