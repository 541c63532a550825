"""Recorded histories: every difference that today's code would make is reported, and nothing else."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from loopback.functions.pytest_plugin import StartHost
from loopback.functions.replay.recorded import Recorded, differences
from loopback.functions.testing import run_host

APPS = Path(__file__).resolve().parents[2] / "examples"
Orchestrator = Callable[[Any], Generator[Any, Any, Any]]


def summarise(context: Any, *, names: tuple[str, ...], first: Any = None, end: str = "") -> Generator[Any, Any, Any]:
    """The orchestrator of the chaining example, with parameters for changes of its code."""
    result = first if first is not None else context.get_input()["text"]
    for name in names:
        result = yield context.call_activity(name, result)
    return f"{result}{end}"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    with run_host(APPS / "chaining", folder) as host:
        run = host.start("summarise_text", {"text": "a b a"})
        host.wait(run)
        original = host.recorded(run)
    original.write(folder / "recorded.json")
    return Recorded.read(folder / "recorded.json")


STEPS = ("normalise", "count_words", "write_summary")


def handle(**changes: Any) -> Callable[[str], str]:
    changed: Callable[[str], str] = df.Orchestrator.create(
        lambda context: summarise(context, **{"names": STEPS, **changes})
    )
    return changed


def test_the_same_code_differs_in_nothing(recorded: Recorded) -> None:
    assert differences(handle(), recorded) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"names": ("tidy", *STEPS[1:])}, ["not any more: step 0: activity normalise", "new: step 0: activity tidy"]),
        ({"names": STEPS[:2]}, ["episode 3: not any more: step 2: activity write_summary"]),
        ({"names": (*STEPS, "more")}, ["episode 4: new: step 3: activity more"]),
        ({"first": "other"}, ['with "a b a"', 'with "other"']),
        ({"end": "!"}, ["episode 4: ends with"]),
    ],
)
def test_a_difference_is_reported_with_its_episode(
    recorded: Recorded, changes: dict[str, Any], expected: list[str]
) -> None:
    lines = differences(handle(**changes), recorded)

    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line


def test_a_run_with_everything_replays(
    durable_host: StartHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replay timers, sub-orchestrations, entities and continue-as-new with the app that is loaded."""
    monkeypatch.setenv("DURABILITY_FOLDER", str(tmp_path))
    host = durable_host(Path(__file__).parent / "apps" / "durability")
    run = host.start("everything", {"round": 2, "before": []})
    host.wait_for_custom_status(run, "waits for Go")
    host.raise_event(run, "Go", 1)
    host.wait(run)

    assert differences(host.orchestrators["everything"], host.recorded(run)) == []
    assert differences(host.orchestrators["child"], host.recorded(run)) != []
