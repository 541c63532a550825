"""`python -m benchmarks.memory_quality [--facts N] [--json]`: memory of facts that repeat or contradict others.

A tenth of the `--facts` facts repeats another in other capitals and punctuation, and a twentieth contradicts one. Runs
of a few facts each store them through `activities/remember_result` in the local search service over HTTP;
`activities/recall_memory` recalls them. A superseded fact must never come back, except as of a time when it was held
true.
"""

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from activities.recall_memory import recall_memory
from activities.remember_result import remember_result
from benchmarks.report import make_parser, show
from murmuration.contracts.memories import Lesson, RecallRequest, RememberRequest, RememberResult
from murmuration.contracts.owner import Owner
from murmuration.policy.memories import normalised
from murmuration.policy.tenancy import run_id
from murmuration.services.current import current_clients, current_settings
from murmuration.services.search.migration import migrate
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import put_text
from tests.services_on_loopback import servers

OWNER = Owner(tenant="benchmark")
FACTS_PER_RUN = 8
PLACES = ("archive", "cellar", "library", "workshop", "garden", "kitchen", "office", "depot", "studio", "attic")
THINGS = ("lamp", "clock", "ladder", "kettle", "cabinet", "press", "scale", "boiler", "window", "engine")
TRAITS = ("age", "weight", "height", "price", "voltage", "width", "load", "warranty", "speed", "depth")


@dataclass(frozen=True)
class Fact:
    """A value of one trait of a thing."""

    about: str
    value: int
    repeated: bool = False
    """Written in other capitals and punctuation."""

    @property
    def text(self) -> str:
        words = f"The {self.about} is {self.value} units."
        return words.upper().replace(" IS ", "  is: ") if self.repeated else words


@dataclass(frozen=True)
class Facts:
    """Facts in the order in which runs store them."""

    first: tuple[Fact, ...]
    later: tuple[Fact, ...]
    """Facts that repeat or contradict one of the first."""
    contradicted: tuple[tuple[Fact, Fact], ...]
    """Pairs of the old fact and the new."""


def make_facts(count: int, seed: int = 7) -> Facts:
    """Make `count` facts: of 100, 85 have subjects of their own, 10 repeat one of these, 5 contradict one."""
    chance = random.Random(seed)
    subjects = [f"{trait} of the {thing} in the {place}" for place in PLACES for thing in THINGS for trait in TRAITS]
    chance.shuffle(subjects)
    repeats, contradictions = count // 10, count // 20
    first = [Fact(about, chance.randrange(1_000)) for about in subjects[: count - repeats - contradictions]]
    originals = chance.sample(first, repeats + contradictions)
    repeated = [Fact(fact.about, fact.value, repeated=True) for fact in originals[:repeats]]
    contradicting = [Fact(fact.about, fact.value + 1) for fact in originals[repeats:]]
    later = repeated + contradicting
    chance.shuffle(later)
    return Facts(tuple(first), tuple(later), tuple(zip(originals[repeats:], contradicting, strict=True)))


async def measure(facts: Facts) -> dict[str, float | int | str | None]:
    """Store the facts in one run after the other, and count what is stored and recalled."""
    change = datetime.now(UTC) - timedelta(days=1)
    began = time.perf_counter()
    results = [*await remember(facts.first, change - timedelta(days=1)), *await remember(facts.later, change)]
    seconds = time.perf_counter() - began
    count = len(facts.first) + len(facts.later)
    rows = await stored()
    figures: dict[str, float | int | str | None] = {
        "facts": count,
        "repeats": sum(fact.repeated for fact in facts.later),
        "contradictions": len(facts.contradicted),
        "stored": len(rows),
        "stored_twice": len(rows) - len(set(rows)),
        "repeated": sum(result.repeated for result in results),
        "superseded": sum(result.superseded for result in results),
        "remembered_per_second": round(count / seconds, 1),
    }
    return figures | await recalls(facts, change)


async def recalls(facts: Facts, change: datetime) -> dict[str, int]:
    """Count how often the old and the new fact of a contradicted subject are recalled: now, and before the change."""
    counts = dict.fromkeys(("old_now", "new_now", "new_first_now", "old_before", "new_before"), 0)
    for old, new in facts.contradicted:
        now = await recalled(old.about)
        before = await recalled(old.about, as_of=change - timedelta(seconds=1))
        counts["old_now"] += old.text in now
        counts["new_now"] += new.text in now
        counts["new_first_now"] += now[:1] == [new.text]
        counts["old_before"] += old.text in before
        counts["new_before"] += new.text in before
    return {f"recalled_{name}": count for name, count in counts.items()}


async def remember(facts: Sequence[Fact], begin: datetime) -> list[RememberResult]:
    """Store the facts, `FACTS_PER_RUN` a run, the runs a second apart."""
    clients = current_clients()
    results = []
    for first in range(0, len(facts), FACTS_PER_RUN):
        ended = begin + timedelta(seconds=first)
        name = f"run {ended.isoformat()}"
        artifacts = clients.store.of_run(run_id(OWNER.tenant, name))
        lessons = [
            Lesson(kind="fact", about=fact.about, text=fact.text) for fact in facts[first : first + FACTS_PER_RUN]
        ]
        answer = await put_text(artifacts, "It is counted.")
        request = RememberRequest(owner=OWNER, run=name, at=ended, goal=name, answer=answer, lessons=tuple(lessons))
        step_context = StepContext(last_attempt=True)
        results.append(
            await remember_result(request, clients.model(step_context), clients.memory, artifacts, step_context)
        )
    return results


async def recalled(about: str, as_of: datetime | None = None) -> list[str]:
    """Recall the memories about a subject, best first."""
    clients = current_clients()
    step_context = StepContext(last_attempt=True)
    request = RecallRequest(owner=OWNER, goal=f"What is the {about}?", as_of=as_of)
    memories = await recall_memory(request, clients.model(step_context), clients.memory, clients.settings, step_context)
    return [note.text for note in memories.notes]


async def stored() -> list[tuple[str, str]]:
    """Return subject and normalised words of every stored fact."""
    memory = current_clients().memory
    rows: list[tuple[str, str]] = []
    after = ""
    while page := await memory.page(OWNER.tenant, "kind eq 'fact'", after=after, select=["subject", "text"]):
        rows += [(row["subject"], normalised(row["text"])) for row in page]
        after = page[-1]["id"]
    return rows


def measured(count: int, data: Path) -> dict[str, float | int | str | None]:
    """Measure on servers in threads of this process."""
    with servers(data) as running:
        os.environ.update(running.setting_values())
        migrate(current_settings())

        async def measured_and_closed() -> dict[str, float | int | str | None]:
            try:
                return await measure(make_facts(count))
            finally:
                await current_clients().close()

        return asyncio.run(measured_and_closed())


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--facts", type=int, default=1_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show(measured(options.facts, Path(folder)), as_json=options.json)


if __name__ == "__main__":
    main()
