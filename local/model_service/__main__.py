"""`python -m local.model_service`: the OpenAI API on this machine, answered by the offline model."""

import argparse
import sys

from local.model_service.routes import make_app
from local.model_service.tokens import load_soon
from local.serving import run_until_signalled


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.model_service", description=__doc__)
    parser.add_argument("--port", type=int, default=7073, help="0 takes a free one (default: 7073)")
    options = parser.parse_args()
    load_soon()
    return run_until_signalled(make_app, options.port, "model service")


if __name__ == "__main__":
    sys.exit(main())
