"""`python -m murmuration.services.search`: the search indexes that the settings name.

`migrate` creates or updates them, and lists every agent in the catalog: the library's, and those of the folder that
`--agents` names. `migrate --from MODEL:DIMENSIONS` fills them, too, from the indexes of another embedding model, which
stay as they are: run it with the new settings while the app still runs with the old ones, then deploy the new settings,
then run it once more for what was written meanwhile.
`drop MODEL:DIMENSIONS` deletes the indexes of a model that is no longer used.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from murmuration.agents.loader import AgentError, add_folder
from murmuration.services.errors import SettingsError, StepError
from murmuration.services.identity.secrets import read_secret
from murmuration.services.search.catalog import list_agents
from murmuration.services.search.indexes import KINDS, definitions, index_name
from murmuration.services.search.moving import EmbeddingModel, move
from murmuration.services.settings import Settings, settings_from


def migrate(settings: Settings) -> list[str]:
    """Create or update every index; returns their names. Needs the right to manage indexes."""
    from azure.search.documents.indexes import SearchIndexClient

    from murmuration.services.clients import search_credential

    indexes = definitions(settings.embedding_model, settings.embedding_dimensions)
    with SearchIndexClient(settings.search.url, search_credential(settings.search)) as client:
        for index in indexes.values():
            client.create_or_update_index(index)
    return [index.name for index in indexes.values()]


def drop(settings: Settings, made: EmbeddingModel) -> list[str]:
    """Delete the indexes of another model; returns their names."""
    from azure.search.documents.indexes import SearchIndexClient

    from murmuration.services.clients import search_credential

    if made == EmbeddingModel(settings.embedding_model, settings.embedding_dimensions):
        raise SettingsError(f"{str(made)!r} is what EMBEDDING_MODEL and EMBEDDING_DIMENSIONS name: it is in use")
    names = [index_name(kind, made.model, made.dimensions) for kind in KINDS]
    with SearchIndexClient(settings.search.url, search_credential(settings.search)) as client:
        for name in names:
            client.delete_index(name)
    return names


def main() -> int:
    options = _options().parse_args()
    from azure.core.exceptions import AzureError

    try:
        settings = settings_from(os.environ, read_secret)
        if options.command == "drop":
            _say(f"deleted, where they were there: {', '.join(drop(settings, options.model))}")
            return 0
        names = migrate(settings)
        if options.agents is not None:
            add_folder(options.agents)
        asyncio.run(list_agents(settings))
        _say(f"indexes are up to date: {', '.join(names)}")
        if options.origin is not None:
            for kind, count in asyncio.run(move(settings, options.origin)).items():
                _say(f"{kind}: {count} rows were moved")
    except (SettingsError, AgentError) as problem:
        _say(str(problem))
        return 2
    except StepError as problem:
        _say(f"not finished: {problem}; running it again goes on")
        return 1
    except AzureError as error:
        _say(f"the indexes can't be created: {str(error).splitlines()[0]}")
        return 1
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m murmuration.services.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    migrating = commands.add_parser("migrate", help="create, update, and fill")
    migrating.add_argument("--from", dest="origin", type=_made, metavar="MODEL:DIMENSIONS")
    migrating.add_argument("--agents", type=Path, metavar="DIR", help="the app's own folder of agents")
    retiring = commands.add_parser("drop", help="delete the indexes of another model")
    retiring.add_argument("model", type=_made, metavar="MODEL:DIMENSIONS")
    return parser


def _made(text: str) -> EmbeddingModel:
    model, _, dimensions = text.rpartition(":")
    if not model or not dimensions.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not MODEL:DIMENSIONS, such as text-embedding-3-small:1536")
    return EmbeddingModel(model, int(dimensions))


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
