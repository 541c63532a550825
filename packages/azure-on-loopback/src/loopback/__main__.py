"""The `loopback` command: `loopback functions`, `loopback search` and `loopback model`, each a server on loopback."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

SERVERS = {
    "functions": "run a Python Azure Functions app, Durable Functions included",
    "search": "serve the Azure AI Search REST API",
    "model": "serve the OpenAI REST API with an offline model",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server that the first argument names; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="loopback", description=__doc__)
    commands = parser.add_subparsers(dest="server", required=True, metavar="SERVER")
    for name, purpose in SERVERS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    server = parser.parse_known_args(given[:1])[0].server
    # Each server has heavy imports of its own; only those of the server that was asked for are loaded.
    return int(import_module(f"loopback.{server}.command").main(given[1:]))


if __name__ == "__main__":
    sys.exit(main())
