"""`loopback model`: the OpenAI API on this machine, answered by the offline model."""

import argparse
from collections.abc import Sequence

from aiohttp import web

from loopback.model.embedders import HASH, all_embedders, chosen
from loopback.model.problems import Fault
from loopback.model.routes import make_app
from loopback.model.skills import load_skills
from loopback.model.tokens import load_soon
from loopback.serving import CannotStart, run_until_signalled


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="loopback model", description=__doc__)
    parser.add_argument("--port", type=int, default=7073, help="0 takes a free one (default: 7073)")
    parser.add_argument(
        "--embeddings",
        default=HASH,
        metavar="MODEL",
        help=f"do not start without this model of embeddings: {' or '.join(all_embedders())} (default: {HASH})",
    )
    parser.add_argument(
        "--skills",
        metavar="MODULE",
        help="a Python module whose SKILLS act agents, by the name of their structured output (from this folder, too)",
    )
    options = parser.parse_args(arguments)

    async def make() -> web.Application:
        embedders = all_embedders()
        try:
            chosen(embedders, options.embeddings)
        except Fault as problem:
            raise CannotStart(f"--embeddings (the setting EMBEDDING_MODEL): {problem}") from problem
        return await make_app(embedders, load_skills(options.skills))

    load_soon()
    return run_until_signalled(make, options.port, "model service")
