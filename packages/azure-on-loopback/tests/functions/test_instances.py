"""The instances in memory equal those in the store, however many there are."""

from pathlib import Path
from typing import Any

import pytest

from loopback.functions import protocol as wire
from loopback.functions.clock import SystemClock
from loopback.functions.engine.entities import Entities
from loopback.functions.engine.instances import Instances
from loopback.functions.protocol import Reply
from loopback.functions.replay.decisions import Decisions
from loopback.functions.storage.database import Database
from loopback.functions.storage.store import Store

DONE = Reply(is_done=True, actions=(), output="done", error=None, custom_status=None)


@pytest.fixture
def instances(tmp_path: Path) -> Instances:
    database = Database(tmp_path)
    store = Store(database)
    return Instances(store, Entities(database, store, SystemClock()), SystemClock(), None, max_live=1)


def test_an_episode_is_committed_though_many_others_came_in_between(instances: Instances) -> None:
    names = [f"run-{number}" for number in range(5)]
    for name in names:
        instances.start("any", name, None)
    episodes = [instances.next_episode(name) for name in names]

    for episode in episodes:
        assert episode is not None
        instances.commit([(episode, DONE, Decisions(ended=True))])

    rows = [instances.store.instance(name) for name in names]
    assert [row.status for row in rows if row] == ["Completed"] * 5


def test_a_run_that_was_purged_meanwhile_is_not_written_again(instances: Instances) -> None:
    instances.start("any", "gone", None)
    episode = instances.next_episode("gone")
    assert episode is not None
    with instances.store.transaction("purge"):
        instances.store.purge("gone")
    instances.forget("gone")

    instances.commit([(episode, DONE, Decisions(ended=True))])

    assert instances.store.instance("gone") is None


@pytest.mark.parametrize("fields", [{"Name": {"no": "text"}}, {"FireAt": "never"}, {}])
def test_a_decision_that_cannot_be_carried_out_fails_one_run(instances: Instances, fields: dict[str, Any]) -> None:
    for name in ("good", "bad"):
        instances.start("any", name, None)
    good, bad = instances.next_episode("good"), instances.next_episode("bad")
    assert good is not None
    assert bad is not None
    kind = wire.TIMER_CREATED if "FireAt" in fields else wire.TASK_SCHEDULED
    decided = {"EventType": kind, "EventId": 0, "Name": "a", "Input": "[null]", **fields}
    if not fields:
        del decided["Input"]

    instances.commit([(bad, DONE, Decisions(scheduled=[decided])), (good, DONE, Decisions(ended=True))])

    rows = {name: instances.store.instance(name) for name in ("good", "bad")}
    assert {name: row.status for name, row in rows.items() if row} == {"good": "Completed", "bad": "Failed"}
