"""The OpenAI REST API on this machine, answered by a deterministic offline model."""

import argparse
from collections.abc import Sequence

from aiohttp import web

from loopback.model.embedders import HASH, all_embedders, find_embedder
from loopback.model.errors import ApiError
from loopback.model.routes import make_app
from loopback.model.skills import load_skills
from loopback.model.tokens import load_in_background
from loopback.serving import CannotStart, run_until_signalled


def main(arguments: Sequence[str]) -> int:
    """Serve until stopped; returns the exit status."""
    parser = argparse.ArgumentParser(prog="loopback model", description=__doc__)
    parser.add_argument("--port", type=int, default=7073, metavar="N", help="0 takes a free port (default: 7073)")
    parser.add_argument(
        "--skills",
        metavar="MODULE",
        help="a Python module, in this folder or installed, whose SKILLS map the name of a structured output to the"
        " function that replies (default: the smallest value that the request's schema allows)",
    )
    parser.add_argument(
        "--embeddings",
        default=HASH,
        metavar="NAME",
        help=f"the embedding model that must be usable at start: {' or '.join(all_embedders())} (default: {HASH})",
    )
    options = parser.parse_args(arguments)

    async def make() -> web.Application:
        embedders = all_embedders()
        try:
            find_embedder(embedders, options.embeddings)
        except ApiError as error:
            raise CannotStart(f"--embeddings {options.embeddings!r}: {error}") from error
        return await make_app(embedders, load_skills(options.skills))

    load_in_background()
    return run_until_signalled(make, options.port, "model service")
