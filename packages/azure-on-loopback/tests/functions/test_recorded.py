"""Recorded histories: what today's code would do otherwise is found, and only that."""

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


def summarise(context: Any, *, names: tuple[str, ...], given: Any = None, end: str = "") -> Generator[Any, Any, Any]:
    """The chaining example's orchestrator, with what may be changed about it."""
    result = given if given is not None else context.get_input()["text"]
    for name in names:
        result = yield context.call_activity(name, result)
    return f"{result}{end}"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    with run_host(APPS / "chaining", folder) as host:
        run = host.start("summarise_text", {"text": "a b a"})
        host.wait(run)
        recorded = host.recorded(run)
    recorded.write(folder / "kept.json")
    return Recorded.read(folder / "kept.json")


STEPS = ("normalise", "count_words", "write_summary")


def handle(**changes: Any) -> Callable[[str], str]:
    found: Callable[[str], str] = df.Orchestrator.create(
        lambda context: summarise(context, **{"names": STEPS, **changes})
    )
    return found


def test_the_same_code_differs_in_nothing(kept: Recorded) -> None:
    assert differences(handle(), kept) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"names": ("tidy", *STEPS[1:])}, ["not any more: step 0: activity normalise", "new: step 0: activity tidy"]),
        ({"names": STEPS[:2]}, ["episode 3: not any more: step 2: activity write_summary"]),
        ({"names": (*STEPS, "more")}, ["episode 4: new: step 3: activity more"]),
        ({"given": "other"}, ['with "a b a"', 'with "other"']),
        ({"end": "!"}, ["episode 4: ends with"]),
    ],
)
def test_what_is_different_is_said_with_its_episode(kept: Recorded, changes: dict[str, Any], found: list[str]) -> None:
    said = differences(handle(**changes), kept)

    assert len(said) == len(found)
    for line, expected in zip(said, found, strict=True):
        assert expected in line


def test_a_run_with_everything_replays(
    durable_host: StartHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timers, sub-orchestrations, entities and continue-as-new, from the app that is loaded."""
    monkeypatch.setenv("DURABILITY_FOLDER", str(tmp_path))
    host = durable_host(Path(__file__).parent / "apps" / "durability")
    run = host.start("everything", {"round": 2, "before": []})
    host.wait_for_custom_status(run, "waits for Go")
    host.raise_event(run, "Go", 1)
    host.wait(run)

    assert differences(host.orchestrators["everything"], host.recorded(run)) == []
    assert differences(host.orchestrators["child"], host.recorded(run)) != []
