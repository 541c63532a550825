"""`python -m local.model_service`: the OpenAI API on this machine, answered by the offline model."""

import argparse
import sys

from aiohttp import web

from local.model_service.embedders import HASH, all_embedders, chosen
from local.model_service.problems import Fault
from local.model_service.routes import make_app
from local.model_service.tokens import load_soon
from local.serving import CannotStart, run_until_signalled


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.model_service", description=__doc__)
    parser.add_argument("--port", type=int, default=7073, help="0 takes a free one (default: 7073)")
    parser.add_argument(
        "--embeddings",
        default=HASH,
        metavar="MODEL",
        help=f"do not start without this model of embeddings: {' or '.join(all_embedders())} (default: {HASH})",
    )
    options = parser.parse_args()

    async def make() -> web.Application:
        embedders = all_embedders()
        try:
            chosen(embedders, options.embeddings)
        except Fault as problem:
            raise CannotStart(f"--embeddings (the setting EMBEDDING_MODEL): {problem}") from problem
        return await make_app(embedders)

    load_soon()
    return run_until_signalled(make, options.port, "model service")


if __name__ == "__main__":
    sys.exit(main())
