"""`python -m murmuration.agents [DIR …]`: list the agents, the library's and those of the folders, and what is wrong.

The exit status is 1 when a file can't be used.
"""

import argparse
import sys
from pathlib import Path

from murmuration.agents.loader import LIBRARY_FOLDER, read_agents


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m murmuration.agents", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", metavar="DIR", help="a folder of agents' files")
    folders = parser.parse_args().folders
    for folder in folders:
        if not folder.is_dir():
            parser.error(f"{str(folder)!r} is no folder")
    agents = read_agents([LIBRARY_FOLDER, *folders])
    for agent in agents.by_name.values():
        print(f"{agent.name:<16} {agent.tier:<10} {agent.purpose}")  # noqa: T201
    for problem in agents.problems:
        print(f"can't be used: {problem}", file=sys.stderr)  # noqa: T201
    return 1 if agents.problems else 0


if __name__ == "__main__":
    sys.exit(main())
