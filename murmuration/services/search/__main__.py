"""`python -m murmuration.services.search`: manage the search indexes that the settings name.

`migrate` creates or updates them, and lists every agent in the catalog: the library's, and those of the folder that
`--agents` names. `migrate --from MODEL:DIMENSIONS` also fills them from the indexes of another embedding model, which
stay as they are: run it with the new settings while the app still runs with the old ones, deploy the new settings, then
run it once more for rows that were written meanwhile.
`drop MODEL:DIMENSIONS` deletes the indexes of a model that is no longer used.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from azure.core.exceptions import AzureError

from murmuration.agents.loader import AgentError, add_folder
from murmuration.services.errors import SettingsError, StepError
from murmuration.services.identity.secrets import read_secret
from murmuration.services.search.catalog import list_agents
from murmuration.services.search.migration import EmbeddingModel, drop, migrate, move
from murmuration.services.settings import settings_from


def main() -> int:
    """Run one command; returns 0, 1 for a service that failed, or 2 for a wrong setting or argument."""
    options = _parser().parse_args()
    try:
        settings = settings_from(os.environ, read_secret)
        if options.command == "drop":
            _report(f"deleted, if they existed: {', '.join(drop(settings, options.model))}")
            return 0
        names = migrate(settings)
        if options.agents is not None:
            add_folder(options.agents)
        asyncio.run(list_agents(settings))
        _report(f"indexes are up to date: {', '.join(names)}")
        if options.origin is not None:
            for kind, count in asyncio.run(move(settings, options.origin)).items():
                _report(f"{kind}: {count} rows were moved")
    except (SettingsError, AgentError) as problem:
        _report(str(problem))
        return 2
    except StepError as problem:
        _report(f"not finished: {problem}; run it again to go on")
        return 1
    except AzureError as error:
        _report(f"the indexes can't be created: {str(error).splitlines()[0]}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m murmuration.services.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    migrate_command = commands.add_parser("migrate", help="create, update, and fill")
    migrate_command.add_argument("--from", dest="origin", type=_embedding_model, metavar="MODEL:DIMENSIONS")
    migrate_command.add_argument("--agents", type=Path, metavar="DIR", help="the app's own folder of agents")
    drop_command = commands.add_parser("drop", help="delete the indexes of another model")
    drop_command.add_argument("model", type=_embedding_model, metavar="MODEL:DIMENSIONS")
    return parser


def _embedding_model(text: str) -> EmbeddingModel:
    model, _, dimensions = text.rpartition(":")
    if not model or not dimensions.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not MODEL:DIMENSIONS, such as text-embedding-3-small:1536")
    return EmbeddingModel(model, int(dimensions))


def _report(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
