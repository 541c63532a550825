"""`mur up` starts the local cloud and leaves it running; `mur demo` answers goals on it."""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from loopback.serving import CannotStart, writable_folder
from murmuration.cli.cloud import ROOT, Cloud, Ports, cloud
from murmuration.client.app_client import AppRefused

MARK = "made-by-murmuration"
"""A file in our data folder: --reset empties only folders that have it."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="mur", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start the servers and leave them running")
    up.add_argument("--port", type=int, default=7071, help="of the app (default: 7071)")
    up.add_argument("--search-port", type=int, default=7072, help="(default: 7072)")
    up.add_argument("--model-port", type=int, default=7073, help="(default: 7073)")
    demo = commands.add_parser("demo", help="read documents, run goals, show the answers")
    demo.add_argument(
        "--docs",
        type=Path,
        action="append",
        metavar="DIR",
        help="folder or file; may be repeated (or DOCS is set)",
    )
    goals = demo.add_mutually_exclusive_group()
    goals.add_argument("--goal", help="what to answer from the documents (or GOAL is set)")
    goals.add_argument("--goals", type=Path, metavar="FILE", help="one goal per line; needs --json")
    demo.add_argument("--json", action="store_true", help="one outcome per line on stdout, all else on stderr")
    for each in (up, demo):
        each.add_argument("--data", type=Path, metavar="DIR", help="where everything is kept")
        each.add_argument("--reset", action="store_true", help="forget everything first")
        each.add_argument("--verbose", action="store_true", help="show what the servers log")
    options = parser.parse_args()
    if options.command == "demo" and options.goals and not options.json:
        parser.error("--goals needs --json")
    return _run(_up(options) if options.command == "up" else _demo(options))


def _run(work: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(work)
    except (CannotStart, AppRefused) as problem:
        print(f"murmuration: {problem}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201
        return 130


async def _demo(options: argparse.Namespace) -> int:
    from murmuration.cli.demo import DEFAULT_DOCUMENTS, Demo, data_folder, goals_of, run_demo

    named = os.environ.get("DOCS")
    places = tuple(options.docs or ([Path(named)] if named else DEFAULT_DOCUMENTS))
    goals = goals_of(options.goal or os.environ.get("GOAL") or None, options.goals)
    data = data_folder(options.data or ROOT / ".murmuration" / "demo", places)
    _prepare(data, reset=options.reset)
    return await run_demo(Demo(places, goals, data, as_json=options.json, verbose=options.verbose))


async def _up(options: argparse.Namespace) -> int:
    data = options.data or ROOT / ".murmuration" / "up"
    _prepare(data, reset=options.reset)
    ports = Ports(options.port, options.search_port, options.model_port)
    async with cloud(data, ports, verbose=options.verbose) as up:
        print(_welcome(up), flush=True)  # noqa: T201
        ended = await up.first_to_end()
    said = "\n".join(ended.said)
    print(f"the {ended.name} has ended; everything was stopped. Its last words:\n{said}", file=sys.stderr)  # noqa: T201
    return 1


def _prepare(data: Path, *, reset: bool) -> None:
    if reset and data.exists():
        if any(data.iterdir()) and not (data / MARK).exists():
            raise CannotStart(f"{str(data)!r} was not made by this command: it is not emptied")
        shutil.rmtree(data)
    (writable_folder(data) / MARK).touch()


def _welcome(up: Cloud) -> str:
    theirs = f"\nYours, not started here: {', '.join(up.theirs)}" if up.theirs else ""
    json_header = "-H 'Content-Type: application/json'"
    return f"""Murmuration is up.{theirs}

  read a document   curl {up.app_url}/api/documents {json_header} \\
                      -d '{{"documents": [{{"source": "a.md", "content": "# Tea\\nTea needs water of 80 degrees."}}]}}'
  start a goal      curl {up.app_url}/api/goals {json_header} -d '{{"goal": "How hot is water for tea?"}}'
  wait for it       curl '{up.app_url}/api/goals?wait=30' {json_header} -d '{{"goal": "How hot is water for tea?"}}'
  see how it is     curl {up.app_url}/api/goals/ID
  what it takes     curl {up.app_url}/api/schemas
  is it well        curl {up.app_url}/api/health

Ctrl-C stops it."""


if __name__ == "__main__":
    sys.exit(main())
