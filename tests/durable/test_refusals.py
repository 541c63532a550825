"""A forbidden call in a workflow fails the run with a message that says what to do instead."""

import asyncio
import gc
import logging
import os
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.request import urlopen

import anyio.to_thread
import pytest

from murmuration.durable.audit import refuse_io_in_workflows
from murmuration.durable.errors import DurableTaskFailed
from murmuration.durable.workflow import Flow
from tests.durable.running import run

refuse_io_in_workflows()


async def to_thread(_: Flow) -> None:
    await asyncio.to_thread(print)


async def open_connection(_: Flow) -> None:
    await asyncio.open_connection("127.0.0.1", 80)


async def thread_of_a_library(_: Flow) -> None:
    await anyio.to_thread.run_sync(print)


async def subprocess(_: Flow) -> None:
    await asyncio.create_subprocess_exec("true")


async def foreign_future(_: Flow) -> None:
    loop = asyncio.new_event_loop()
    try:
        await loop.create_future()
    finally:
        loop.close()


async def other_loop(flow: Flow) -> None:
    coroutine = asyncio.sleep(0)
    try:
        asyncio.run(coroutine)
    finally:
        coroutine.close()


async def sleep(_: Flow) -> None:
    time.sleep(0)  # noqa: ASYNC251 - what is refused


async def file(_: Flow) -> None:
    Path("notes.txt").read_text(encoding="utf-8")  # noqa: ASYNC240


async def request(_: Flow) -> None:
    urlopen("http://127.0.0.1:9/")  # noqa: ASYNC210


async def bytes_path(_: Flow) -> None:
    open(b"notes.txt").close()  # noqa: ASYNC230, PTH123


async def listing(_: Flow) -> None:
    list(Path().iterdir())  # noqa: ASYNC240


async def database(_: Flow) -> None:
    sqlite3.connect(":memory:").close()


async def thread(_: Flow) -> None:
    threading.Thread(target=print).start()


async def shell(_: Flow) -> None:
    os.system("true")  # noqa: ASYNC221, S605, S607


@pytest.mark.parametrize(
    ("workflow", "what"),
    [
        (sleep, "can't use time.sleep: await asyncio.sleep"),
        (file, "can't use a file: write an activity"),
        (bytes_path, "can't use a file: write an activity"),
        (listing, "can't use a folder: write an activity"),
        (database, "can't use a database: write an activity"),
        (thread, "can't use a thread: write an activity"),
        (request, "can't use the network: write an activity"),
        (shell, "can't use a subprocess: write an activity"),
        (thread_of_a_library, "can't use a thread: write an activity"),
        (to_thread, "write an activity and await it"),
        (open_connection, "write an activity and await it"),
        (subprocess, "write an activity and await it"),
        (foreign_future, "attached to a different loop"),
        (other_loop, "cannot be called from a running event loop"),
    ],
)
def test_code_that_can_not_be_replayed_is_refused(
    workflow: Callable[[Flow], Coroutine[Any, Any, None]], what: str
) -> None:
    assert what in str(run(workflow).error)


def test_a_callback_from_another_thread_is_refused() -> None:
    refused: list[str] = []

    async def workflow(flow: Flow) -> Any:
        loop = asyncio.get_running_loop()

        def call() -> None:
            try:
                loop.call_soon_threadsafe(print)
            except RuntimeError as error:
                refused.append(str(error))

        calls.put(call)
        thread.join()

    calls: Queue[Callable[[], None]] = Queue()
    thread = threading.Thread(target=lambda: calls.get()())
    thread.start()
    run(workflow)

    assert "another thread" in refused[0]


def test_a_wait_for_what_can_never_come_fails_with_its_line() -> None:
    async def waits(flow: Flow) -> None:
        await asyncio.Event().wait()

    async def workflow(flow: Flow) -> Any:
        await asyncio.gather(flow.activity("wait", 1), waits(flow))

    error = str(run(workflow).error)

    assert error.startswith("workflow_stuck: workflow waits for what can never come")
    assert f"{__file__}:{waits.__code__.co_firstlineno + 1}" in error


def test_a_failure_that_nobody_takes_fails_the_run_with_its_line() -> None:
    async def fails(flow: Flow) -> None:
        raise ValueError("lost")

    tasks = []

    async def workflow(flow: Flow) -> Any:
        tasks.append(asyncio.create_task(fails(flow), name="loses"))
        return await flow.activity("wait", 1)

    error = str(run(workflow).error)

    assert error.startswith("task_failed: loses of workflow failed at")
    assert f"{__file__}:{fails.__code__.co_firstlineno + 1}" in error
    assert "ValueError: lost" in error


def test_a_callback_that_fails_fails_the_run() -> None:
    def fails() -> None:
        raise ValueError("in a callback")

    async def workflow(flow: Flow) -> Any:
        asyncio.get_running_loop().call_later(1, fails)
        return await flow.activity("wait", 5)

    assert "in a callback" in str(run(workflow).error)


def test_coroutines_dropped_at_the_end_of_an_episode_leave_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    went_on: list[str] = []

    async def stubborn(flow: Flow) -> None:
        while True:
            try:
                await asyncio.sleep(1_000)
            except asyncio.CancelledError:
                return
            except BaseException:  # noqa: BLE001 - it catches what it must not
                flow.set_status({"seen": "by nobody"})
                await flow.activity("wait", 1)
                went_on.append("went on")

    async def workflow(flow: Flow) -> Any:
        task = asyncio.create_task(stubborn(flow))
        for _ in range(3):
            await flow.activity("wait", 1)
        return task.done()

    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        trace = run(workflow)
        gc.collect()

    assert trace.output is False
    assert [name for _, name, _ in trace.started] == ["wait"] * 3
    assert not any(trace.statuses)
    assert not went_on
    assert not [str(warning.message) for warning in caught if "expected_type" not in str(warning.message)]
    assert not caplog.records


@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion:UserWarning")
def test_dropped_coroutines_end_at_once_and_not_when_the_garbage_collector_comes() -> None:
    began: list[str] = []
    ended: list[str] = []

    async def workflow(flow: Flow) -> Any:
        began.append("began")
        try:
            with suppress(DurableTaskFailed):
                await flow.activity("fail")
            async with asyncio.TaskGroup() as group:
                group.create_task(flow.event("late"))
                await flow.activity("wait", 5)
        finally:
            ended.append("ended")

    gc.collect()
    gc.disable()
    try:
        run(workflow, [(2, "early", 1), (9, "late", 1)])
        assert len(began) > 3
        assert len(ended) == len(began)
    finally:
        gc.enable()
