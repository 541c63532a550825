"""Runs random workflow programs on a host process and kills it at random, for `benchmarks.random_workflows`."""

import asyncio
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.host_process import BASE, RUNNING, HostProcess
from benchmarks.workflow_programs import Op, events, expected

RUNS_AT_ONCE = 150
POLL_SECONDS = 0.2
RESEND_SECONDS = 1.0
MAX_EVENT_DELAY_SECONDS = 0.3
MAX_KILL_DELAY_SECONDS = 0.3
"""Delay after the end of the run that triggers a kill; shorter than a start-up, so that some kills hit recovery."""
LOST_SECONDS = 120.0
WITHOUT_INPUT = {"showInput": "false"}


@dataclass
class Run:
    """A run of a program, and its end."""

    number: int
    rounds: list[Op]
    start: int
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    answer: dict[str, Any] | None = None
    """Body of the status query once the run has ended."""
    last_status: str = "not asked for"
    """Status of a run that is lost."""

    @property
    def id(self) -> str:
        return f"run-{self.number}"

    def problem(self) -> str | None:
        """Return the fault of the answer, None when it is right."""
        if self.answer is None:
            return f"it is lost; its status is {self.last_status}"
        result = expected(self.rounds, self.start)
        actual = {name: self.answer[name] for name in ("runtimeStatus", "output", "customStatus")}
        right = {
            "runtimeStatus": "Completed",
            "output": {"value": result.value, "rounds": result.rounds},
            "customStatus": result.status,
        }
        return None if actual == right else f"expected {right}, got {actual}"


class Driver:
    """Starts runs, sends their events and waits for their ends; repeats requests that fail while the host is down."""

    def __init__(self, host: HostProcess, files: Path, session: aiohttp.ClientSession, chance: random.Random) -> None:
        self._host = host
        self._files = files
        self._session = session
        self._chance = chance
        self._up = asyncio.Event()
        self._up.set()
        self._slots = asyncio.Semaphore(RUNS_AT_ONCE)
        self._running: dict[str, Run] = {}
        self.over = 0
        self.kills = 0

    async def drive(self, runs: list[Run], kills: int) -> None:
        """Run until every run has ended or is lost and the host was killed `kills` times."""
        polling: asyncio.Future[Any] = asyncio.ensure_future(self._poll())
        working: asyncio.Future[Any] = asyncio.gather(
            *(self._complete(run) for run in runs), self._kill_at_random(len(runs), kills)
        )
        try:
            done, _ = await asyncio.wait([polling, working], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises what went wrong
        finally:
            polling.cancel()
            working.cancel()
            await asyncio.gather(polling, working, return_exceptions=True)

    async def _complete(self, run: Run) -> None:
        async with self._slots:
            await self._start(run)
            self._running[run.id] = run
            senders = [asyncio.create_task(self._send(run, *event)) for event in events(run.rounds)]
            try:
                await asyncio.wait_for(run.ended.wait(), LOST_SECONDS)
            except TimeoutError:
                self._running.pop(run.id, None)
                run.last_status = str(await self._ask(f"instances/{run.id}", WITHOUT_INPUT))
            finally:
                for sender in senders:
                    sender.cancel()
            self.over += 1

    async def _start(self, run: Run) -> None:
        """Start a run once: a failed request may have started it, and starting it again would run it twice."""
        value = {"run": run.id, "files": str(self._files), "rounds": run.rounds, "at": 0, "value": run.start}
        while True:
            status, body = await self._once("POST", f"orchestrators/workflow/{run.id}", value)
            if status is None:
                status, body = await self._ask(f"instances/{run.id}")
            if status in (200, 202, 409):
                return
            if status != 404:
                raise RuntimeError(f"the start of {run.id} was answered with {status}: {body}")

    async def _send(self, run: Run, owner: int | None, step: int, sent: int) -> None:
        """Send an event repeatedly: the wait may come later, and a new execution forgets early events."""
        instance = run.id if owner is None else f"child-{run.id}-{owner}"
        await asyncio.sleep(self._chance.uniform(0, MAX_EVENT_DELAY_SECONDS))
        while True:
            await self._once("POST", f"instances/{instance}/raiseEvent/event-{step}", {"sent": sent})
            await asyncio.sleep(RESEND_SECONDS)

    async def _poll(self) -> None:
        """Find runs that have ended: those no longer in the list of running ones."""
        query = {"instanceIdPrefix": "run-", "runtimeStatus": RUNNING, "top": str(2 * RUNS_AT_ONCE)}
        while True:
            known = list(self._running.values())
            status, listed = await self._ask("instances", query)
            if status != 200:
                raise RuntimeError(f"the list of instances was answered with {status}: {listed}")
            running = {instance["instanceId"] for instance in listed}
            await asyncio.gather(*(self._close(run) for run in known if run.id not in running))
            await asyncio.sleep(POLL_SECONDS)

    async def _close(self, run: Run) -> None:
        status, body = await self._ask(f"instances/{run.id}", WITHOUT_INPUT)
        if status == 202:
            return  # it is running although the list lacked it
        run.answer, run.last_status = (body if status == 200 else None), str(status)
        self._running.pop(run.id, None)
        run.ended.set()

    async def _kill_at_random(self, runs: int, kills: int) -> None:
        """Kill the host `kills` times, each after a random number of ended runs."""
        for after in sorted(self._chance.randrange(runs) for _ in range(kills)):
            while self.over < after:  # noqa: ASYNC110 - a little late is as random
                await asyncio.sleep(0.01)
            await asyncio.sleep(self._chance.uniform(0, MAX_KILL_DELAY_SECONDS))
            self._host.check()
            self._up.clear()
            await asyncio.to_thread(self._host.kill)
            self.kills += 1
            await asyncio.to_thread(self._host.start)
            self._up.set()

    async def _ask(self, path: str, query: dict[str, str] | None = None) -> tuple[int, Any]:
        """Repeat a GET until there is an answer."""
        while True:
            status, body = await self._once("GET", path, query=query)
            if status is not None:
                return status, body

    async def _once(
        self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None
    ) -> tuple[int | None, Any]:
        """Return (status, body), or (None, None) when the host went away meanwhile."""
        await self._up.wait()
        try:
            async with self._session.request(
                method, f"{self._host.url}{BASE}/{path}", json=body, params=query
            ) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError):
            if self._up.is_set():
                self._host.check()
            await asyncio.sleep(0.02)
            return None, None
        return response.status, json.loads(text) if response.content_type == "application/json" else text
