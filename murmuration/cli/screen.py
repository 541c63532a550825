"""Draws a run for the terminal."""

import time
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

STYLES = {
    "waiting": "dim",
    "running": "bold cyan",
    "revising": "bold yellow",
    "done": "green",
    "failed": "bold red",
    "skipped": "red",
}


def run_view(state: dict[str, Any], began: float) -> RenderableType:
    """Draw the run so far: its stage, each task, tokens and elapsed time."""
    table = Table.grid(padding=(0, 2))
    for task in state["tasks"]:
        again = f"revised {task['revisions']}×" if task.get("revisions") else ""
        status = Text(task["state"], style=STYLES.get(task["state"], ""))
        table.add_row(task["id"], status, Text(task.get("type", "")), Text(task.get("title", "")), again)
    usage = state["usage"]
    elapsed = time.monotonic() - began
    facts = f"{usage['model_calls']} model calls · {usage['tokens']:,} tokens · {elapsed:.1f} s"
    return Group(Text(f"{state['stage']} · {facts}", style="bold"), table)


def plain_lines(state: dict[str, Any], before: dict[str, Any] | None) -> list[str]:
    """Return what changed since `before`, one line a change, for output that is not a terminal."""
    lines = []
    if before is None or before["stage"] != state["stage"]:
        lines.append(f"stage: {state['stage']}")
    known = {task["id"]: (task["state"], task.get("revisions")) for task in (before or {"tasks": []})["tasks"]}
    for task in state["tasks"]:
        if known.get(task["id"]) != (task["state"], task.get("revisions")):
            again = f" (revised {task['revisions']}x)" if task.get("revisions") else ""
            lines.append(f"  {task['id']} {task.get('type', '')}: {task['state']}{again}  {task.get('title', '')}")
    return lines


def show_outcome(console: Console, goal: str, outcome: dict[str, Any], elapsed: float) -> None:
    """Print the answer with its citations, the verdict, and the cost."""
    console.print()
    if outcome["error"]:
        error = outcome["error"]
        console.print(Text(f"The run failed: {error['code']}: {error['message']}", style="bold red"))
    if outcome["answer"]:
        title = Text(goal, overflow="ellipsis")
        console.print(Panel(Text(outcome["answer"]), title=title, title_align="left"))
    for citation in outcome["citations"]:
        where = f"[{citation['number']}] {citation['source']}"
        console.print(Text(where, style="bold"), Text(f"— {citation['title']}", style="dim"))
        console.print(Text(f"    “{citation['quote']}”", style="italic"))
    console.print()
    for line in facts_of(outcome, elapsed):
        console.print(Text(line))


def facts_of(outcome: dict[str, Any], elapsed: float) -> list[str]:
    """Return the verdict, the usage and whatever else an outcome reports, a line each."""
    verdict, usage = outcome["verdict"], outcome["usage"]
    lines = []
    if verdict:
        reasons = "; ".join(verdict["reasons"])
        lines.append(
            f"verdict   {'passed' if verdict['passed'] else 'not passed'}, score {verdict['score']}: {reasons}"
        )
    tokens = f"{usage['input_tokens']:,} in, {usage['output_tokens']:,} out, {usage['embedding_tokens']:,} embedded"
    lines.append(f"usage     {usage['model_calls']} model calls, tokens: {tokens}; {elapsed:.1f} s")
    if cost := outcome.get("cost"):
        lines.append(f"cost      {cost['micro_dollars'] / 1_000_000:.4f} USD, by the prices of {cost['prices_of']}")
    prompts = ", ".join(f"{name} v{version}" for name, version in outcome["prompts"].items())
    lines.append(f"prompts   {prompts} · answered by {', '.join(outcome['models'])}")
    if outcome["degraded"]:
        lines.append(f"degraded  {', '.join(outcome['degraded'])}")
    if outcome["missing"]:
        lines.append(f"missing   {'; '.join(outcome['missing'])}")
    return lines
