"""Runs random workflow programs on a host process that is killed now and then: for `benchmarks.random_workflows`."""

import asyncio
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.host_process import BASE, UNDER_WAY, HostProcess
from benchmarks.workflow_programs import Op, events, expected

AT_ONCE = 150
LOOK_SECONDS = 0.2
RESEND_SECONDS = 1.0
LATEST_EVENT_SECONDS = 0.3
LATEST_KILL_SECONDS = 0.3
"""After the run that triggers it has ended; shorter than a start-up takes, so that recovery is hit, too."""
LOST_SECONDS = 120.0
WITHOUT_INPUT = {"showInput": "false"}


@dataclass
class Run:
    number: int
    rounds: list[Op]
    start: int
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    answer: dict[str, Any] | None = None
    """The status query's body once the run has ended."""
    seen: str = "not asked for"
    """The status of a run that is lost."""

    @property
    def id(self) -> str:
        return f"run-{self.number}"

    def problem(self) -> str | None:
        """What is wrong with the answer."""
        if self.answer is None:
            return f"it is lost; its status is {self.seen}"
        wanted = expected(self.rounds, self.start)
        got = {name: self.answer[name] for name in ("runtimeStatus", "output", "customStatus")}
        right = {
            "runtimeStatus": "Completed",
            "output": {"value": wanted.value, "rounds": wanted.rounds},
            "customStatus": wanted.status,
        }
        return None if got == right else f"expected {right}, got {got}"


class Driver:
    """Starts runs, sends their events, sees them end. Repeats what fails while the host is down."""

    def __init__(self, host: HostProcess, files: Path, session: aiohttp.ClientSession, chance: random.Random) -> None:
        self._host = host
        self._files = files
        self._session = session
        self._chance = chance
        self._up = asyncio.Event()
        self._up.set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[str, Run] = {}
        self.over = 0
        self.kills = 0

    async def drive(self, runs: list[Run], kills: int) -> None:
        """Returns when every run has ended or is lost, and the host was killed `kills` times."""
        looking: asyncio.Future[Any] = asyncio.ensure_future(self._look())
        working: asyncio.Future[Any] = asyncio.gather(
            *(self._through(run) for run in runs), self._kill_now_and_then(len(runs), kills)
        )
        try:
            done, _ = await asyncio.wait([looking, working], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises what went wrong
        finally:
            looking.cancel()
            working.cancel()
            await asyncio.gather(looking, working, return_exceptions=True)

    async def _through(self, run: Run) -> None:
        async with self._places:
            await self._start(run)
            self._under_way[run.id] = run
            senders = [asyncio.create_task(self._send(run, *event)) for event in events(run.rounds)]
            try:
                await asyncio.wait_for(run.ended.wait(), LOST_SECONDS)
            except TimeoutError:
                self._under_way.pop(run.id, None)
                run.seen = str(await self._asked(f"instances/{run.id}", WITHOUT_INPUT))
            finally:
                for sender in senders:
                    sender.cancel()
            self.over += 1

    async def _start(self, run: Run) -> None:
        """A start that failed may have been heard, and the run may be over: to start it again would run it twice."""
        given = {"run": run.id, "files": str(self._files), "rounds": run.rounds, "at": 0, "value": run.start}
        while True:
            status, body = await self._once("POST", f"orchestrators/workflow/{run.id}", given)
            if status is None:
                status, body = await self._asked(f"instances/{run.id}")
            if status in (200, 202, 409):
                return
            if status != 404:
                raise RuntimeError(f"the start of {run.id} was answered with {status}: {body}")

    async def _send(self, run: Run, owner: int | None, step: int, sent: int) -> None:
        """Again and again: the wait may not be there yet, and a new execution forgets what came too early."""
        instance = run.id if owner is None else f"child-{run.id}-{owner}"
        await asyncio.sleep(self._chance.uniform(0, LATEST_EVENT_SECONDS))
        while True:
            await self._once("POST", f"instances/{instance}/raiseEvent/event-{step}", {"sent": sent})
            await asyncio.sleep(RESEND_SECONDS)

    async def _look(self) -> None:
        """See which runs have ended: those that are no longer in the list of what is under way."""
        query = {"instanceIdPrefix": "run-", "runtimeStatus": UNDER_WAY, "top": str(2 * AT_ONCE)}
        while True:
            known = list(self._under_way.values())
            status, listed = await self._asked("instances", query)
            if status != 200:
                raise RuntimeError(f"the list of instances was answered with {status}: {listed}")
            running = {each["instanceId"] for each in listed}
            await asyncio.gather(*(self._close(run) for run in known if run.id not in running))
            await asyncio.sleep(LOOK_SECONDS)

    async def _close(self, run: Run) -> None:
        status, body = await self._asked(f"instances/{run.id}", WITHOUT_INPUT)
        if status == 202:
            return  # it was not in the list, and is under way all the same
        run.answer, run.seen = (body if status == 200 else None), str(status)
        self._under_way.pop(run.id, None)
        run.ended.set()

    async def _kill_now_and_then(self, runs: int, kills: int) -> None:
        """One kill after each of `kills` numbers of ended runs, drawn at random."""
        for after in sorted(self._chance.randrange(runs) for _ in range(kills)):
            while self.over < after:  # noqa: ASYNC110 - a little late is as random
                await asyncio.sleep(0.01)
            await asyncio.sleep(self._chance.uniform(0, LATEST_KILL_SECONDS))
            self._host.check()
            self._up.clear()
            await asyncio.to_thread(self._host.kill)
            self.kills += 1
            await asyncio.to_thread(self._host.start)
            self._up.set()

    async def _asked(self, path: str, query: dict[str, str] | None = None) -> tuple[int, Any]:
        """Ask until there is an answer."""
        while True:
            status, body = await self._once("GET", path, query=query)
            if status is not None:
                return status, body

    async def _once(
        self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None
    ) -> tuple[int | None, Any]:
        """(status, body); (None, None) when the host went away meanwhile."""
        await self._up.wait()
        try:
            async with self._session.request(
                method, f"{self._host.url}{BASE}/{path}", json=body, params=query
            ) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            if self._up.is_set():
                self._host.check()
            await asyncio.sleep(0.02)
            return None, None
        return answer.status, json.loads(text) if answer.content_type == "application/json" else text
