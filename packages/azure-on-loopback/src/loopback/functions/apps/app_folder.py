"""The folder of an app: the app's own modules come first there, and relative paths begin there.

An app must load here as it does alone on Azure: no module of the host's surroundings may be importable to it.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from loopback.functions.apps.host_settings import json_object
from loopback.serving import CannotStart

KEPT = sys.stdlib_module_names | {"azure", "__main__"}
"""Names that an app can't take over: the interpreter and the SDK have loaded these modules before, on Azure too."""


def leave_start_folder() -> None:
    """Remove the first entry of `sys.path`: the folder that the command was started from, or its script's folder.

    What the person has set as PYTHONPATH comes after it and stays.
    """
    if not sys.flags.safe_path:
        del sys.path[0]


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Import from `folder` first, work in it, and have its local settings in the environment; then undo all of that.

    The modules of a test's process that bear the names of the app's own modules are set aside for that time.
    """
    settings = {name: value for name, value in _local_settings(folder).items() if name not in os.environ}
    imported_by_others = folder in {Path(entry).resolve() for entry in sys.path}
    set_aside = _take_modules(name for name in _own_names(folder) if not _stands_in(sys.modules.get(name), folder))
    set_aside |= _take_modules(["function_app"])
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    os.environ.update(settings)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        for name in settings:
            os.environ.pop(name, None)
        sys.path.remove(str(folder))
        loaded = {name.partition(".")[0] for name in sys.modules.keys() - before}
        if imported_by_others:  # such as the tests of this app: they go on with the same modules
            loaded &= {"function_app"}
        _take_modules(name for name in loaded if _stands_in(sys.modules.get(name), folder))
        sys.modules.update(set_aside)


def _local_settings(folder: Path) -> dict[str, str]:
    path = folder / "local.settings.json"
    values = json_object(path).get("Values", {}) if path.exists() else {}
    if not isinstance(values, dict):
        raise CannotStart(f"{str(path)!r}: Values is to be an object, not {values!r}")
    return {name: str(value) for name, value in values.items()}


def _own_names(folder: Path) -> set[str]:
    """The names of the folder's modules and packages.

    A folder without `__init__.py` is not among them: Python prefers a package of its name that stands elsewhere.
    """
    modules = {path.stem for path in folder.glob("*.py")}
    return (modules | {path.parent.name for path in folder.glob("*/__init__.py")}) - KEPT


def _stands_in(module: ModuleType | None, folder: Path) -> bool:
    """Tell whether a module or package is one of `folder` itself, and not of a folder such as .venv below it."""
    if module is None:
        return False
    file = getattr(module, "__file__", None)
    folders = [Path(file).parent] if file else [Path(path) for path in getattr(module, "__path__", ())]
    return any(path in (folder, folder / module.__name__) for path in folders)


def _take_modules(names: Iterator[str] | list[str]) -> dict[str, ModuleType]:
    """Remove the modules of these names, and their submodules, from those that are loaded; return them."""
    wanted = set(names)
    loaded = [name for name in sys.modules if name.partition(".")[0] in wanted]
    return {name: sys.modules.pop(name) for name in loaded}
