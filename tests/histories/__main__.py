"""`python -m tests.histories [WORKFLOW …]` records every path of the current version anew, of all workflows or some.

The version is `defaultVersion` in host.json. Folders of older versions are left as they are.
"""

import argparse
import shutil
import sys

from simulation.virtual_host import VERSION
from tests.histories.corpus import FOLDER, history_path, recorded, write
from tests.histories.paths import PATHS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.histories", description=__doc__)
    parser.add_argument("workflows", nargs="*", metavar="WORKFLOW", help=f"of {', '.join(PATHS)}")
    workflows = parser.parse_args().workflows
    if unknown := sorted(set(workflows) - set(PATHS)):
        parser.error(f"no paths of {unknown[0]!r}: write tests/histories/paths/{unknown[0]}.py")
    for folder in [FOLDER / VERSION / workflow for workflow in workflows] or [FOLDER / VERSION]:
        shutil.rmtree(folder, ignore_errors=True)
    count = 0
    for workflow in workflows or PATHS:
        for path, run in PATHS[workflow].items():
            write(recorded(workflow, run()), history_path(workflow, path))
            count += 1
    print(f"{count} histories of version {VERSION}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
