"""Forgetting, with every step scripted: when it reads back, when it counts as verified, and what the receipt says."""

from collections import defaultdict
from typing import Any

import pytest

from murmuration.contracts.base import Contract
from murmuration.contracts.forgetting import (
    DeletionCounts,
    Forgetting,
    PageResult,
    Receipt,
    Subject,
    VerificationPolicy,
)
from murmuration.contracts.owner import Owner
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import Done, Failed, Later
from murmuration.policy.forgetting import digest
from orchestrators.forgetting.forget import forget
from simulation.scripted import Trace, simulate

POLICY = VerificationPolicy(passes=6, settle_seconds=10, after_stop_seconds=240)
SUBJECT = Subject(kind="user", key="k", owner=Owner(tenant="t", user="k"))
Reply = Contract | Done | Later | Failed | Exception


class World:
    """Answers steps in the order of their script, then as if nothing were left. Every step takes a second."""

    def __init__(self, stopped: int = 0) -> None:
        self.script: dict[str, list[Reply]] = defaultdict(list)
        self.requests: dict[str, list[Any]] = defaultdict(list)
        self.order: list[str] = []
        self.stopped = stopped

    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        step = message["value"].get("index", name)
        self.requests[step].append(message["value"])
        self.order.append(step)
        nothing: Contract = DeletionCounts(stopped=self.stopped) if name == "forget_count" else PageResult()
        reply = self.script[step].pop(0) if self.script[step] else nothing
        if isinstance(reply, Exception):
            return 1, reply
        if not isinstance(reply, Done | Later | Failed):
            reply = Done(value=reply.model_dump(mode="json"))
        return 1, reply.model_dump(mode="json")


def run(world: World) -> tuple[Receipt, Trace]:
    request = Forgetting(caller=Caller(tenant="t"), subject=SUBJECT, verification=POLICY)
    trace = simulate(forget, request.model_dump(mode="json"), world)
    assert trace.error is None
    receipt = Receipt.model_validate(trace.output)
    assert receipt.sha256 == digest(receipt)
    return receipt, trace


def test_nothing_is_verified_before_two_passes_with_a_pause_found_nothing() -> None:
    world = World()

    receipt, trace = run(world)

    assert (receipt.verified, receipt.read_back, receipt.remains) == (True, 1, {})
    once = ["forget_runs", "knowledge", "memory", "forget_objects"]
    end = ["forget_records", "forget_count", "delete_deletion_log"]
    assert world.order == [*once, "forget_count", *once, *end]
    assert trace.seconds == len(world.order) + POLICY.settle_seconds


def test_rows_that_are_found_again_are_deleted_and_verification_begins_anew() -> None:
    world = World()
    world.script["memory"] = [PageResult(found=2), PageResult(), PageResult(found=1)]

    receipt, _ = run(world)

    assert receipt.verified
    assert len(world.requests["memory"]) == 5, "found, nothing, found, nothing, nothing"


def test_the_pause_after_a_stopped_run_is_as_long_as_its_step_may_take() -> None:
    world = World(stopped=1)

    receipt, _ = run(world)

    assert receipt.verified
    assert (receipt.finished - receipt.started).total_seconds() > POLICY.after_stop_seconds


def test_rows_are_not_deleted_before_runs_have_ended() -> None:
    world = World()
    world.script["forget_runs"] = [PageResult(waiting=2), PageResult(waiting=1), PageResult(found=2)]

    run(world)

    assert world.order[:4] == ["forget_runs", "forget_runs", "forget_runs", "knowledge"]


def test_many_rows_are_deleted_page_by_page() -> None:
    world = World()
    world.script["knowledge"] = [PageResult(found=9, after="b"), PageResult(found=9, after="d"), PageResult(found=1)]

    run(world)

    assert [page["after"] for page in world.requests["knowledge"][:3]] == ["", "b", "d"]


def test_the_receipt_counts_what_remains_and_the_records_stay_for_another_try() -> None:
    world = World()
    world.script["memory"] = [PageResult(found=3)] * POLICY.passes

    receipt, _ = run(world)

    assert (receipt.verified, receipt.remains, receipt.read_back) == (False, {"memory": 3}, POLICY.passes - 1)
    assert not world.requests["forget_records"]
    assert len(world.requests["delete_deletion_log"]) == 1


def test_the_receipt_counts_a_run_that_does_not_end() -> None:
    world = World()
    world.script["forget_runs"] = [PageResult(waiting=1)] * 1_000

    receipt, _ = run(world)

    assert not receipt.verified
    assert receipt.remains["runs"] > 0


@pytest.mark.parametrize("step", ["forget_runs", "knowledge", "memory", "forget_objects"])
def test_a_step_that_fails_does_not_keep_the_others_from_forgetting(step: str) -> None:
    world = World()
    world.script[step] = [Failed(code="refused", message="no")] * 1_000

    receipt, _ = run(world)

    assert not receipt.verified
    assert receipt.problems == (f"{step.removeprefix('forget_')}:refused",)
    assert all(len(world.requests[other]) >= POLICY.passes for other in ("forget_runs", "memory", "forget_objects"))


@pytest.mark.parametrize(("step", "where"), [("forget_records", "records"), ("delete_deletion_log", "deletion_log")])
def test_records_that_could_not_be_deleted_are_not_verified(step: str, where: str) -> None:
    world = World()
    world.script[step] = [Failed(code="refused", message="no")] * 10

    receipt, _ = run(world)

    assert (receipt.verified, receipt.problems) == (False, (f"{where}:refused",))


@pytest.mark.parametrize("reply", [Later(code="search_unavailable", seconds=5), RuntimeError("lost")])
def test_an_outage_is_waited_out(reply: Reply) -> None:
    world = World()
    world.script["memory"] = [reply, reply]

    receipt, _ = run(world)

    assert receipt.verified
