"""Finds the app that `mur` runs."""

from pathlib import Path

from loopback.serving import CannotStart

LIBRARY_ROOT = Path(__file__).resolve().parents[2]
"""Folder that holds `murmuration`: the repository, or site-packages when it is installed."""
ENTRY_POINT = "function_app.py"
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs")


def app_folder(named: Path | None) -> Path:
    """Return the named folder, else the repository, else the current folder; raises `CannotStart` if it has no app."""
    candidates = (LIBRARY_ROOT, Path.cwd()) if named is None else (named,)
    for folder in candidates:
        if (folder / ENTRY_POINT).is_file():
            return folder.resolve()
    hint = "go to your app's folder or name it with --app DIR" if named is None else "name an app's folder with --app"
    raise CannotStart(f"there is no {ENTRY_POINT} in {str(candidates[-1])!r}: {hint}")


def default_documents(app: Path) -> tuple[Path, ...]:
    """Return the app's own documentation; raises `CannotStart` if it has none."""
    paths = tuple(app / name for name in DOCUMENTS if (app / name).exists())
    if not paths:
        raise CannotStart(f"{str(app)!r} has no {', '.join(DOCUMENTS)}: name the documents to read with --docs DIR")
    return paths
