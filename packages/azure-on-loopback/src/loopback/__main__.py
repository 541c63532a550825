"""The `loopback` command. Its first argument names a server; the rest are that server's options."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from loopback import __doc__ as purpose
from loopback import __version__

SERVERS = {
    "functions": "run a Python Azure Functions app, Durable Functions included",
    "search": "serve the Azure AI Search REST API",
    "model": "serve the OpenAI REST API with an offline model",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server that the first argument names, until it is stopped; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    server = parser.parse_args(words[:1]).server
    if server is None:
        parser.print_help(sys.stderr)
        return 2
    if server not in SERVERS:
        print(f"loopback: there is no server {server!r}: use {', '.join(SERVERS)}", file=sys.stderr)  # noqa: T201
        return 2
    # A server's imports are heavy, so only those of the chosen server are loaded.
    return int(import_module(f"loopback.{server}.command").main(words[1:]))


def _parser() -> argparse.ArgumentParser:
    servers = "\n".join(f"  {name:<11} {summary}" for name, summary in SERVERS.items())
    parser = argparse.ArgumentParser(
        prog="loopback",
        usage="loopback SERVER [options]",
        description=purpose,
        epilog=f"servers:\n{servers}\n\n`loopback SERVER --help` lists the options of a server.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"loopback {__version__}")
    parser.add_argument("server", nargs="?", metavar="SERVER", help="one of the servers below")
    return parser


if __name__ == "__main__":
    sys.exit(main())
