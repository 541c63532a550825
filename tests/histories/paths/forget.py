"""The paths of `forget`: pages that are deleted, found again, or refused."""

from collections.abc import Callable

from murmuration.contracts.forgetting import PageResult
from murmuration.contracts.steps import Failed, Later
from simulation.scripted import Trace
from tests.orchestrators import test_forget as forgetting


def forgetting_run(script: dict[str, list[forgetting.Reply]] | None = None, stopped: int = 0) -> Callable[[], Trace]:
    def run() -> Trace:
        world = forgetting.World(stopped)
        world.script.update({step: list(replies) for step, replies in (script or {}).items()})
        return forgetting.run(world)[1]

    return run


REFUSED = Failed(code="refused", message="no")
FORGETTINGS: dict[str, Callable[[], Trace]] = {
    "nothing_there": forgetting_run(),
    "found_again": forgetting_run({"memory": [PageResult(found=2), PageResult(), PageResult(found=1)]}),
    "page_by_page": forgetting_run({"knowledge": [PageResult(found=9, after="b"), PageResult(found=1)]}),
    "runs_under_way": forgetting_run({"forget_runs": [PageResult(waiting=2), PageResult(found=2)]}, stopped=1),
    "something_remains": forgetting_run({"memory": [PageResult(found=3)] * forgetting.POLICY.passes}),
    "step_refused": forgetting_run({"knowledge": [REFUSED] * 100}),
    "records_refused": forgetting_run({"forget_records": [REFUSED]}),
    "count_and_log_refused": forgetting_run({"forget_count": [REFUSED] * 9, "delete_deletion_log": [REFUSED]}),
    "outage": forgetting_run({"memory": [Later(code="search_unavailable", seconds=5), RuntimeError("lost")]}),
}

PATHS = {"forget": FORGETTINGS}
