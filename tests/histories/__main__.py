"""`python -m tests.histories` records every path of the current version of the orchestrations anew.

The version is `defaultVersion` in host.json. Folders of older versions are left as they are.
"""

import shutil
import sys

from simulation.virtual_host import VERSION
from tests.histories.corpus import FOLDER, of, place_of, write
from tests.histories.paths import PATHS


def main() -> None:
    shutil.rmtree(FOLDER / VERSION, ignore_errors=True)
    for orchestrator, paths in PATHS.items():
        for path, run in paths.items():
            write(of(orchestrator, run()), place_of(orchestrator, path))
    print(f"{sum(map(len, PATHS.values()))} histories of version {VERSION}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
