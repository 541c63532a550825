"""Replays the orchestrator of one episode. Safe to run in a thread: it touches no store."""

import json
import time
import traceback
from typing import Any, NamedTuple

from loopback.functions import protocol as wire
from loopback.functions.apps.call_function import TimedOut
from loopback.functions.apps.loading import LoadedApp
from loopback.functions.clock import Clock
from loopback.functions.engine.episode import Episode
from loopback.functions.engine.versions import takes_on
from loopback.functions.protocol import Reply
from loopback.functions.replay.decisions import Decisions, decide
from loopback.functions.replay.schedule_actions import NonDeterminism, UnknownAction
from loopback.functions.report import report

MAX_CUSTOM_STATUS_BYTES = 16 * 1024
REPORTED_IN_ONE_LINE = NonDeterminism | UnknownAction | wire.OrchestratorFailed


class Replayed(NamedTuple):
    """A replayed episode."""

    episode: Episode
    reply: Reply
    decisions: Decisions
    seconds: float
    """The computing time of the replay."""


class EpisodeReplayer:
    """Replays episodes with the orchestrators of an app."""

    def __init__(self, app: LoadedApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    def replay(self, episode: Episode) -> Replayed:
        row, began = episode.row, time.thread_time()
        try:
            reply = wire.ask(self._orchestrator(episode), episode.request)
            _check_custom_status(reply.custom_status)
            decisions = decide(episode.history, reply, self._clock.now(), row.id)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - whatever is wrong with one run, the others go on
            text = str(problem) if isinstance(problem, REPORTED_IN_ONE_LINE) else traceback.format_exc()
            report(f"[{row.id}] Orchestrator function '{row.name}' failed: {text}")
            reply, decisions = wire.failed_reply(problem), Decisions(ended=True)
        return Replayed(episode, reply, decisions, time.thread_time() - began)

    def time_out(self, episode: Episode) -> Replayed:
        """Make the result of a replay that takes longer than functionTimeout."""
        row = episode.row
        problem = TimedOut(f"Timeout value of {self._app.settings.function_timeout} exceeded by function: {row.name}")
        report(f"[{row.id}] {problem}")
        return Replayed(episode, wire.failed_reply(problem), Decisions(ended=True), 0.0)

    def waits_for_its_version(self, episode: Episode) -> bool:
        """Tell whether the run is of a version that this app leaves to another deployment."""
        row, settings = episode.row, self._app.settings
        waits = settings.version_failure == "Reject" and not takes_on(settings, row.version)
        if waits and row.status == "Pending":
            report(f"[{row.id}] waits: it is of version {row.version!r}, this app of {settings.default_version!r}")
        return waits

    def _orchestrator(self, episode: Episode) -> Any:
        row, settings = episode.row, self._app.settings
        if not takes_on(settings, row.version):
            own = settings.default_version
            raise wire.OrchestratorFailed(f"The run is of version {row.version!r}, the app of version {own!r}")
        handle = self._app.orchestrators.get(row.name)
        if handle is None:
            raise wire.OrchestratorFailed(wire.MISSING_FUNCTION.format(row.name, "an orchestrator function"))
        return handle


def _check_custom_status(status: Any) -> None:
    size = len(json.dumps(status, ensure_ascii=False).encode("utf-16-le")) if status is not None else 0
    if size > MAX_CUSTOM_STATUS_BYTES:
        raise wire.OrchestratorFailed(
            f"The UTF-16 size of the custom status must not exceed {MAX_CUSTOM_STATUS_BYTES} bytes; it is {size}"
        )
