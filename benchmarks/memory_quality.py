"""`python -m benchmarks.memory_quality [--facts N] [--json]`: what is kept of facts that repeat and contradict others.

Of `--facts` facts, a tenth says again what another has said, in other capitals and marks, and a twentieth says
otherwise of the same. They are left by runs, a few each, through `activities/remember_result`, in the local search
service over HTTP, and recalled through `activities/recall_memory`: what is superseded must never come back, except as
of a moment when it was held true.
"""

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.report import show
from loopback.search.routes import make_app as make_search
from loopback.serving import in_thread
from murmuration.cli.cloud import SEARCH_KEY, local_settings, model_app
from murmuration.contracts.memories import Lesson, RecallRequest, RememberRequest, RememberResult
from murmuration.contracts.owner import Owner
from murmuration.policy.tenancy import run_id

OWNER = Owner(tenant="benchmark")
OF_A_RUN = 8
PLACES = ("archive", "cellar", "library", "workshop", "garden", "kitchen", "office", "depot", "studio", "attic")
THINGS = ("lamp", "clock", "search_modes", "kettle", "cabinet", "press", "scale", "boiler", "window", "engine")
TRAITS = ("age", "weight", "height", "price", "voltage", "width", "load", "warranty", "speed", "depth")


@dataclass(frozen=True)
class Fact:
    about: str
    value: int
    again: bool = False

    @property
    def text(self) -> str:
        words = f"The {self.about} is {self.value} units."
        return words.upper().replace(" IS ", "  is: ") if self.again else words


@dataclass(frozen=True)
class Facts:
    """In the order in which they are told."""

    first: tuple[Fact, ...]
    later: tuple[Fact, ...]
    """What says again, or otherwise, what has been said."""
    contradicted: tuple[tuple[Fact, Fact], ...]
    """The old one and the new."""


def facts(count: int, seed: int = 7) -> Facts:
    """`count` facts: 85 of 100 on subjects of their own, 10 repeat one of these, 5 contradict one."""
    chance = random.Random(seed)
    subjects = [f"{trait} of the {thing} in the {place}" for place in PLACES for thing in THINGS for trait in TRAITS]
    chance.shuffle(subjects)
    repeats, contradictions = count // 10, count // 20
    first = [Fact(about, chance.randrange(1_000)) for about in subjects[: count - repeats - contradictions]]
    chosen = chance.sample(first, repeats + contradictions)
    again = [Fact(each.about, each.value, again=True) for each in chosen[:repeats]]
    otherwise = [Fact(each.about, each.value + 1) for each in chosen[repeats:]]
    later = again + otherwise
    chance.shuffle(later)
    return Facts(tuple(first), tuple(later), tuple(zip(chosen[repeats:], otherwise, strict=True)))


async def measure(given: Facts) -> dict[str, float | int | str | None]:
    """What became of them. Times are of one run after the other."""
    change = datetime.now(UTC) - timedelta(days=1)
    began = time.perf_counter()
    told = [*await tell(given.first, change - timedelta(days=1)), *await tell(given.later, change)]
    seconds = time.perf_counter() - began
    count = len(given.first) + len(given.later)
    rows = await stored()
    figures: dict[str, float | int | str | None] = {
        "facts": count,
        "repeats": sum(each.again for each in given.later),
        "contradictions": len(given.contradicted),
        "stored": len(rows),
        "stored_twice": len(rows) - len(set(rows)),
        "repeated": sum(each.repeated for each in told),
        "superseded": sum(each.superseded for each in told),
        "remembered_per_second": round(count / seconds, 1),
    }
    return figures | await recalls(given, change)


async def recalls(given: Facts, change: datetime) -> dict[str, int]:
    """Of the contradicted subjects, how often the old and the new are recalled: now, and as of before the change."""
    counts = dict.fromkeys(("old_now", "new_now", "new_first_now", "old_before", "new_before"), 0)
    for old, new in given.contradicted:
        now = await recalled(old.about)
        before = await recalled(old.about, as_of=change - timedelta(seconds=1))
        counts["old_now"] += old.text in now
        counts["new_now"] += new.text in now
        counts["new_first_now"] += now[:1] == [new.text]
        counts["old_before"] += old.text in before
        counts["new_before"] += new.text in before
    return {f"recalled_{name}": count for name, count in counts.items()}


async def tell(some: Sequence[Fact], begin: datetime) -> list[RememberResult]:
    """In runs of `OF_A_RUN`, a second after one another."""
    from activities.remember_result import remember_result
    from murmuration.services.clients import current_clients
    from murmuration.services.step_context import StepContext
    from murmuration.services.storage.artifacts import put_text

    clients = current_clients()
    told = []
    for place in range(0, len(some), OF_A_RUN):
        at = begin + timedelta(seconds=place)
        name = f"run {at.isoformat()}"
        artifacts = clients.store.of_run(run_id(OWNER.tenant, name))
        lessons = [Lesson(kind="fact", about=each.about, text=each.text) for each in some[place : place + OF_A_RUN]]
        answer = await put_text(artifacts, "It is counted.")
        remembrance = RememberRequest(owner=OWNER, run=name, at=at, goal=name, answer=answer, lessons=tuple(lessons))
        step_context = StepContext(last_attempt=True)
        told.append(
            await remember_result(remembrance, clients.model(step_context), clients.memory, artifacts, step_context)
        )
    return told


async def recalled(about: str, as_of: datetime | None = None) -> list[str]:
    from activities.recall_memory import recall_memory
    from murmuration.services.clients import current_clients
    from murmuration.services.step_context import StepContext

    clients = current_clients()
    step_context = StepContext(last_attempt=True)
    asked = RecallRequest(owner=OWNER, goal=f"What is the {about}?", as_of=as_of)
    found = await recall_memory(asked, clients.model(step_context), clients.memory, clients.settings, step_context)
    return [note.text for note in found.notes]


async def stored() -> list[tuple[str, str]]:
    """Subject and normalised words of every fact that is kept."""
    from murmuration.policy.memories import normalised
    from murmuration.services.clients import current_clients

    memory = current_clients().memory
    rows: list[tuple[str, str]] = []
    after = ""
    while page := await memory.page(OWNER.tenant, "kind eq 'fact'", after=after, select=["subject", "text"]):
        rows += [(row["subject"], normalised(row["text"])) for row in page]
        after = page[-1]["id"]
    return rows


def measured(count: int, data: Path) -> dict[str, float | int | str | None]:
    """On servers of its own."""
    with in_thread(lambda: make_search(data / "search", SEARCH_KEY)) as search, in_thread(model_app) as model:
        ports = [int(url.rpartition(":")[2]) for url in (search, model)]
        os.environ.update(local_settings({}, data, *ports))
        from murmuration.services.clients import current_clients
        from murmuration.services.search.__main__ import migrate
        from murmuration.services.settings import current_settings

        migrate(current_settings())

        async def measured_and_closed() -> dict[str, float | int | str | None]:
            try:
                return await measure(facts(count))
            finally:
                await current_clients().close()

        return asyncio.run(measured_and_closed())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=1_000)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show(measured(options.facts, Path(folder)))


if __name__ == "__main__":
    main()
