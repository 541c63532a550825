"""`python -m services.search migrate`: create or update the search indexes that the settings name."""

import argparse
import os
import sys

from services.errors import SettingsError
from services.search.indexes import definitions
from services.secrets import read_secret
from services.settings import Settings, settings_from


def migrate(settings: Settings) -> list[str]:
    """Create or update every index; returns their names. Needs the right to manage indexes."""
    from azure.search.documents.indexes import SearchIndexClient

    from services.clients import search_credential

    names = []
    with SearchIndexClient(settings.search.url, search_credential(settings.search)) as client:
        for index in definitions(settings.embedding_dimensions):
            client.create_or_update_index(index)
            names.append(index.name)
    return names


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m services.search", description=__doc__)
    parser.add_argument("command", choices=["migrate"])
    parser.parse_args()
    from azure.core.exceptions import AzureError

    try:
        names = migrate(settings_from(os.environ, read_secret))
    except SettingsError as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return 2
    except AzureError as error:
        reason = str(error).splitlines()[0]
        print(f"the indexes can't be created: {reason}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"indexes are up to date: {', '.join(names)}", file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
