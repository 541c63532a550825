"""Workflows that are non-deterministic on purpose, one a source, and what becomes of each.

`caught`: the replay check names it. `input`: the replay check names it, but Azure does not compare inputs.
`refused`: the event loop, or the audit hook, fails the run with a message. `harmless`: it is the same everywhere.
"""

import asyncio
import enum
import gc
import os
import random
import secrets
import socket
import sqlite3
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import azure.durable_functions as df

from benchmarks import random_trees
from murmuration.contracts.base import Contract
from murmuration.durable.audit import refuse_io_in_workflows
from murmuration.durable.context import Context
from murmuration.durable.driver import orchestrate
from murmuration.durable.workflow import Flow

# ruff: noqa: ASYNC240 - what is planted

Fate = Literal["caught", "input", "refused", "harmless"]
Function = Callable[[Flow], Awaitable[Any]]
NAMES = ("ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine")
PLANTED: dict[str, tuple[Fate, Function]] = {}

refuse_io_in_workflows()


class Tree(enum.Enum):
    ASH, BIRCH, CEDAR, ELM, FIR, HAZEL, LARCH, MAPLE = range(8)


class Wood(Contract):
    name: str


class Item:
    """An object that hashes by its address."""

    def __init__(self, name: str) -> None:
        self.name = name


def planted(fate: Fate) -> Callable[[Function], Function]:
    def add(function: Function) -> Function:
        PLANTED[function.__name__] = fate, function
        return function

    return add


async def call_all(flow: Flow, names: Iterable[str]) -> None:
    for name in names:
        await flow.activity(name)


@planted("caught")
async def set_of_texts(flow: Flow) -> None:
    await call_all(flow, set(NAMES))


@planted("caught")
async def dict_from_a_set(flow: Flow) -> None:
    await call_all(flow, dict.fromkeys(frozenset(NAMES)))


@planted("caught")
async def set_of_enums(flow: Flow) -> None:
    await call_all(flow, [tree.name for tree in set(Tree)])


@planted("caught")
async def set_of_contracts(flow: Flow) -> None:
    await call_all(flow, [wood.name for wood in {Wood(name=name) for name in NAMES}])


@planted("caught")
async def set_of_objects(flow: Flow) -> None:
    await call_all(flow, [item.name for item in {Item(name) for name in NAMES * 5}])


@planted("caught")
async def address(flow: Flow) -> None:
    await flow.activity(f"work_{id(flow) % 997}")


@planted("caught")
async def sorted_by_address(flow: Flow) -> None:
    items = [Item(name) for name in NAMES]
    await call_all(flow, [item.name for item in sorted(items, key=lambda item: id(item) % 997)])


@planted("caught")
async def address_in_a_text(flow: Flow) -> None:
    await flow.activity(f"work_{object()!r}".replace(" ", "_"))


@planted("caught")
async def weak_references(flow: Flow) -> None:
    items = [Item(name) for name in NAMES * 5]
    await call_all(flow, [item.name for item in weakref.WeakSet(items)])


@planted("caught")
async def garbage(flow: Flow) -> None:
    await flow.activity(f"work_{len(gc.get_objects())}")


@planted("caught")
async def hash_of_a_text(flow: Flow) -> None:
    await flow.activity(f"work_{hash('oak') % 997}")


@planted("caught")
async def real_clock(flow: Flow) -> None:
    await flow.activity(f"day_{time.time() // 86_400:g}")


@planted("caught")
async def monotonic_clock(flow: Flow) -> None:
    await flow.activity(f"work_{time.monotonic() % 1:.6f}")


@planted("caught")
async def date_of_today(flow: Flow) -> None:
    await flow.activity(f"work_{datetime.now(UTC).microsecond}")


@planted("caught")
async def zone(flow: Flow) -> None:
    await flow.activity(f"work_{time.tzname[0]}")


@planted("caught")
async def random_number(flow: Flow) -> None:
    await flow.activity(f"work_{random.randrange(10**6)}")


@planted("caught")
async def secret(flow: Flow) -> None:
    await flow.activity(f"work_{secrets.token_hex(4)}")


@planted("caught")
async def uuid_in_a_name(flow: Flow) -> None:
    await flow.activity(f"work_{uuid.uuid4().hex}")


@planted("caught")
async def environment(flow: Flow) -> None:
    await flow.activity(f"work_{os.environ.get('HOSTNAME')}")


@planted("caught")
async def process_id(flow: Flow) -> None:
    await flow.activity(f"work_{os.getpid()}")


@planted("caught")
async def arguments(flow: Flow) -> None:
    await flow.activity(f"work_{Path(sys.argv[0]).stem}_{len(sys.argv)}")


@planted("caught")
async def thread_id(flow: Flow) -> None:
    await flow.activity(f"work_{threading.get_native_id()}")


@planted("caught")
async def bare_coroutines_in_as_completed(flow: Flow) -> None:
    async def work(name: str) -> None:
        await flow.activity(name)

    for completed in asyncio.as_completed([work(name) for name in NAMES * 5]):
        await completed


@planted("caught")
async def gathers_in_a_wait(flow: Flow) -> None:
    async def named(name: str) -> str:
        return name

    done, _ = await asyncio.wait([asyncio.gather(named(name)) for name in NAMES * 5])
    await call_all(flow, [future.result()[0] for future in done])


_count = 0


@planted("caught")
async def counter_of_all_replays(flow: Flow) -> None:
    global _count
    _count += 1
    await flow.activity(f"work_{_count}")


_cache: dict[str, Any] = {}


@planted("caught")
async def cache_of_the_first_replay(flow: Flow) -> None:
    if "value" not in _cache:
        _cache["value"] = await flow.activity("load")
    await flow.activity("work")
    await flow.activity("more")


@planted("caught")
async def duration_of_a_computation(flow: Flow) -> None:
    began = time.perf_counter()
    sum(range(10_000))
    await flow.activity(f"work_{(time.perf_counter() - began) * 1e9:.0f}")


@planted("input")
async def uuid_in_an_input(flow: Flow) -> None:
    await flow.activity("work", str(uuid.uuid4()))


@planted("input")
async def clock_in_an_input(flow: Flow) -> None:
    await flow.activity("work", time.time())


@planted("refused")
async def thread(flow: Flow) -> None:
    threading.Thread(target=print).start()


@planted("refused")
async def thread_of_the_loop(flow: Flow) -> None:
    await flow.activity(await asyncio.to_thread(secrets.token_hex))


@planted("refused")
async def host_name(flow: Flow) -> None:
    await flow.activity(socket.gethostname())


@planted("refused")
async def listing_of_a_folder(flow: Flow) -> None:
    await call_all(flow, [file.name for file in Path().iterdir()])


@planted("refused")
async def file(flow: Flow) -> None:
    await flow.activity(Path("name").read_text(encoding="utf-8"))


@planted("refused")
async def database(flow: Flow) -> None:
    sqlite3.connect(":memory:").close()


@planted("harmless")
async def set_of_tasks(flow: Flow) -> None:
    async def work(name: str) -> None:
        await flow.activity(name)

    tasks = {asyncio.create_task(work(name)) for name in NAMES * 5}
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    done, _ = await asyncio.wait(tasks)
    await call_all(flow, [task.get_name() for task in done])


@planted("harmless")
async def own_clock_and_chance(flow: Flow) -> None:
    await flow.activity(f"work_{flow.now.microsecond}_{flow.uuid4()}_{flow.random.random()}")
    await flow.activity(f"work_{asyncio.get_running_loop().time()}")


@planted("harmless")
async def set_of_numbers(flow: Flow) -> None:
    await call_all(flow, [str(number) for number in {5, 300, 2, 70_000, 11}])


def _orchestrator(function: Function) -> Callable[[Context], Generator[Any, Any, Any]]:
    def orchestrator(context: Context) -> Generator[Any, Any, Any]:
        return (yield from orchestrate(context, function.__name__, function))

    orchestrator.__wrapped__ = function  # type: ignore[attr-defined] # for `inspect.unwrap`
    return orchestrator


HANDLES: Mapping[str, Callable[[str], str]] = {
    **random_trees.HANDLES,
    **{name: df.Orchestrator.create(_orchestrator(function)) for name, (_, function) in PLANTED.items()},
}
