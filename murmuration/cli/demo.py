"""The demo, start to end: read documents, post goals, watch them, show the outcomes."""

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from loopback.serving import CannotStart
from murmuration.cli.cloud import Ports, cloud
from murmuration.cli.documents import DocumentSearch, batches, find_documents
from murmuration.cli.problems import print_problems
from murmuration.cli.screen import plain_lines, run_view, show_outcome
from murmuration.client.app_client import AppClient, app_client

DEFAULT_GOAL = "How does Murmuration survive a crash of the host, and what limits a run?"
MAX_GOAL_CHARACTERS = 8_000
GOALS_AT_ONCE = 2


@dataclass(frozen=True)
class Demo:
    """The options of one demo."""

    app: Path
    documents: tuple[Path, ...]
    goals: tuple[str, ...]
    data: Path
    as_json: bool
    verbose: bool


def goals_of(goal: str | None, file: Path | None) -> tuple[str, ...]:
    """Return the goals to run; raises `CannotStart` quoting a wrong one."""
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CannotStart(f"the goals file {str(file)!r} can't be read: {error}") from error
        goals = tuple(line.strip() for line in lines if line.strip())
        if not goals:
            raise CannotStart(f"the goals file {str(file)!r} holds no goal")
    else:
        goals = (DEFAULT_GOAL if goal is None else goal.strip(),)
    for text in goals:
        if not 1 <= len(text) <= MAX_GOAL_CHARACTERS:
            raise CannotStart(f"a goal has 1 to {MAX_GOAL_CHARACTERS} characters, {text[:60]!r} has {len(text)}")
    return goals


def data_folder(base: Path, documents: Sequence[Path]) -> Path:
    """Return a folder for these documents alone, so that answers come from no others."""
    names = "\n".join(sorted(str(path.resolve()) for path in documents))
    return base / hashlib.sha256(names.encode()).hexdigest()[:12]


async def run_demo(demo: Demo) -> int:
    """Run the demo; the exit status is 0 when all goals were completed, else 1."""
    console = Console(stderr=demo.as_json, highlight=False)
    found = find_documents(demo.documents)
    began = time.monotonic()
    async with cloud(demo.app, demo.data, Ports(), verbose=demo.verbose) as up, app_client(up.app_url) as app:
        console.print(f"local cloud up in {time.monotonic() - began:.1f} s at {up.app_url}", style="dim")
        print_problems(await app.health())
        await _read(app, found, console)
        if "AZURE_SEARCH_ENDPOINT" not in up.brought:  # a service of their own may hold documents of other folders
            await _forget_missing(app, found, console)
        if demo.as_json:
            return await _answer_all(app, demo.goals)
        return 0 if await _answer_live(app, demo.goals[0], console) else 1


async def _read(app: AppClient, found: DocumentSearch, console: Console) -> None:
    began = time.monotonic()
    totals = {"documents": 0, "written": 0, "unchanged": 0, "removed": 0}
    for batch in batches(found.documents):
        report = await app.read(batch)
        totals = {name: count + report[name] for name, count in totals.items()}
        for document in report["unreadable"]:
            console.print(f"not read: {document['source']}: {document['reason']}", style="yellow")
    counts = ", ".join(f"{count} {name}" for name, count in totals.items() if name != "documents")
    elapsed = time.monotonic() - began
    console.print(f"read {totals['documents']} documents in {elapsed:.1f} s (chunks: {counts})", style="dim")
    for source, reason in found.unreadable:
        console.print(f"not read: {source}: {reason}", style="yellow")
    if found.skipped:
        kinds = ", ".join(f"{count} {suffix}" for suffix, count in found.skipped.most_common(8))
        console.print(f"skipped {sum(found.skipped.values())} files of other kinds ({kinds})", style="dim")


async def _forget_missing(app: AppClient, found: DocumentSearch, console: Console) -> None:
    """Forget documents that are no longer on disk: answers must not come from them."""
    missing = found.missing(await app.sources())
    if not missing:
        return
    began = time.monotonic()
    with console.status("forgetting documents that are gone …"):
        await app.forget(missing)
    what = "1 document is" if len(missing) == 1 else f"{len(missing)} documents are"
    console.print(f"{what} gone and forgotten, read back in {time.monotonic() - began:.1f} s", style="dim")


async def _answer_live(app: AppClient, goal: str, console: Console) -> bool:
    began = time.monotonic()
    run = await app.start(goal)
    state: dict[str, Any] = {}
    before: dict[str, Any] | None = None
    with Live(console=console, refresh_per_second=10) if console.is_terminal else nullcontext() as live:
        async for state in app.watch(run):
            if live is not None:
                live.update(run_view(state, began))
            else:
                for line in plain_lines(state, before):
                    console.print(line)
            before = state
    outcome = state["outcome"]
    if outcome is None:
        console.print(f"run {run} ended as {state['status']}: see the logs (--verbose)", style="bold red")
        return False
    show_outcome(console, goal, outcome, time.monotonic() - began)
    return bool(outcome["status"] == "completed")


async def _answer_all(app: AppClient, goals: Sequence[str]) -> int:
    """Print one JSON line a goal on stdout, in their order; returns the exit status."""
    slots = asyncio.Semaphore(GOALS_AT_ONCE)

    async def answer(goal: str) -> dict[str, Any]:
        async with slots:
            run = await app.start(goal)
            state = [state async for state in app.watch(run)][-1]
            outcome = state["outcome"] or {"status": "failed", "answer": "", "error": state["error"]}
            return {"goal": goal, "id": run, **outcome}

    completed = True
    for task in [asyncio.create_task(answer(goal)) for goal in goals]:
        outcome = await task
        completed = completed and outcome["status"] == "completed"
        print(json.dumps(outcome, ensure_ascii=False), file=sys.stdout, flush=True)  # noqa: T201
    return 0 if completed else 1
