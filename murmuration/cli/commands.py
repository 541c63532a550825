"""`mur up` starts an app and its servers and leaves them running; `mur demo` answers goals on them."""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from loopback.serving import CannotStart, writable_folder
from murmuration.cli.app_folder import app_folder, default_documents
from murmuration.cli.cloud import Cloud, Ports, check_ports, cloud, given_settings
from murmuration.cli.problems import print_problems
from murmuration.client.app_client import AppRefused, app_client

MAX_PORT = 65_535
MARK = "made-by-murmuration"
"""A file in our data folders: --reset empties no other folder."""


def run() -> int:
    """Run the command that the arguments name; returns the exit status."""
    parser = _parser()
    options = parser.parse_args()
    if options.command == "demo" and options.goals and not options.json:
        parser.error("--goals needs --json")
    return _finish(_up(options) if options.command == "up" else _demo(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mur", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start the servers and leave them running")
    up.add_argument("--port", type=_port, default=7071, help="of the app (default: 7071)")
    up.add_argument("--search-port", type=_port, default=7072, help="(default: 7072)")
    up.add_argument("--model-port", type=_port, default=7073, help="(default: 7073)")
    demo = commands.add_parser("demo", help="read documents, run goals, show the answers")
    demo.add_argument(
        "--docs",
        type=Path,
        action="append",
        metavar="DIR",
        help="folder or file, repeatable (or set DOCS; default: README.md, CONTRIBUTING.md and docs of the app)",
    )
    goals = demo.add_mutually_exclusive_group()
    goals.add_argument("--goal", metavar="TEXT", help="question to answer from the documents (or set GOAL)")
    goals.add_argument("--goals", type=Path, metavar="FILE", help="one goal a line; needs --json")
    demo.add_argument("--json", action="store_true", help="one outcome a line on stdout, all else on stderr")
    for command in (up, demo):
        command.add_argument("--app", type=Path, metavar="DIR", help="folder of the app (default: this repository's)")
        command.add_argument("--data", type=Path, metavar="DIR", help="folder of all state (default: APP/.murmuration)")
        command.add_argument("--reset", action="store_true", help="delete all state first")
        command.add_argument("--verbose", action="store_true", help="show the servers' logs")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to {MAX_PORT}")
    return int(text)


def _finish(command: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(command)
    except (CannotStart, AppRefused) as problem:
        print(f"mur: {problem}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201
        return 130


async def _demo(options: argparse.Namespace) -> int:
    from murmuration.cli.demo import Demo, data_folder, goals_of, run_demo  # rich is slow to import; `up` needs none

    app = app_folder(options.app)
    docs = os.environ.get("DOCS")
    documents = tuple(options.docs or ([Path(docs)] if docs else default_documents(app)))
    goals = goals_of(options.goal or os.environ.get("GOAL") or None, options.goals)
    data = data_folder(options.data or app / ".murmuration" / "demo", documents)
    _prepare(data, reset=options.reset)
    return await run_demo(Demo(app, documents, goals, data, as_json=options.json, verbose=options.verbose))


async def _up(options: argparse.Namespace) -> int:
    app = app_folder(options.app)
    ports = Ports(options.port, options.search_port, options.model_port)
    check_ports(ports, given_settings(app))  # before --reset deletes the state of a cloud that is running
    data = options.data or app / ".murmuration" / "up"
    _prepare(data, reset=options.reset)
    async with cloud(app, data, ports, verbose=options.verbose) as up, app_client(up.app_url) as client:
        health = await client.health()
        print_problems(health)
        print(_welcome(up, takes_goals=health is not None), flush=True)  # noqa: T201
        ended = await up.wait_for_an_end()
    last_lines = "\n".join(ended.last_lines)
    print(f"mur: the {ended.name} ended, so everything was stopped. Its last lines:\n{last_lines}", file=sys.stderr)  # noqa: T201
    return 1


def _prepare(data: Path, *, reset: bool) -> None:
    if reset and data.exists():
        if any(data.iterdir()) and not (data / MARK).exists():
            raise CannotStart(f"{str(data)!r} was not made by this command: it is not emptied")
        shutil.rmtree(data)
    (writable_folder(data) / MARK).touch()


def _welcome(up: Cloud, *, takes_goals: bool) -> str:
    brought = f"\nYours, not started here: {', '.join(up.brought)}" if up.brought else ""
    if not takes_goals:  # an app of its own on the library
        return f"Your app is up at {up.app_url}.{brought}\n\nCtrl-C stops it."
    json_header = "-H 'Content-Type: application/json'"
    return f"""Murmuration is up.{brought}

  read a document   curl {up.app_url}/api/documents {json_header} \\
                      -d '{{"documents": [{{"source": "a.md", "content": "# Tea\\nTea needs water of 80 degrees."}}]}}'
  start a goal      curl {up.app_url}/api/goals {json_header} -d '{{"goal": "How hot is water for tea?"}}'
  wait for it       curl '{up.app_url}/api/goals?wait=30' {json_header} -d '{{"goal": "How hot is water for tea?"}}'
  watch it          curl {up.app_url}/api/goals/ID
  request schemas   curl {up.app_url}/api/schemas
  health            curl {up.app_url}/api/health

Ctrl-C stops it."""
