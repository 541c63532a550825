"""The command `mur`, also `python -m murmuration.cli`."""

import sys


def main() -> int:
    """Run the command; without the packages of the extra `cli`, say how to install them."""
    try:
        # Here, not above: without the extra this import fails, and its user deserves better than a traceback.
        from murmuration.cli.commands import run
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        print(f"mur: {package} is not installed: pip install 'murmuration[cli]'", file=sys.stderr)  # noqa: T201
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
