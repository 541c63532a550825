"""The folder of an app: imports look there first, and relative paths begin there.

An app loads here as it does alone on Azure: no module of the host's surroundings may be importable to it.
"""

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from loopback.functions.apps.host_settings import json_object
from loopback.serving import CannotStart

RESERVED_NAMES = sys.stdlib_module_names | {"azure", "__main__"}
"""Names that an app can't give its modules, on Azure neither: the interpreter or the SDK has loaded their own."""


def leave_start_folder() -> None:
    """Remove the first entry of `sys.path`: the folder in which the command was typed, or that of its script.

    The person's own PYTHONPATH comes after it and stays.
    """
    if not sys.flags.safe_path:
        del sys.path[0]


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Make the process the app's, until the block ends; then undo it.

    `folder` is the working directory and the first to import from, and its local settings are in the environment.
    Modules of the process that bear the name of one of the app's, such as a test suite's `tests`, are set aside.
    """
    settings = {name: value for name, value in _local_settings(folder).items() if name not in os.environ}
    is_shared = folder in {Path(entry).resolve() for entry in sys.path}
    foreign = {name for name in _own_names(folder) if not _is_in(sys.modules.get(name), folder)}
    set_aside = _take_modules(foreign | {"function_app"})
    importlib.invalidate_caches()
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
        if is_shared:  # the process imports from there itself, as tests of the app do, and goes on with these modules
            loaded &= {"function_app"}
        _take_modules({name for name in loaded if _is_in(sys.modules.get(name), folder)})
        sys.modules.update(set_aside)


def _local_settings(folder: Path) -> dict[str, str]:
    path = folder / "local.settings.json"
    values = json_object(path).get("Values", {}) if path.exists() else {}
    if not isinstance(values, dict):
        raise CannotStart(f"{str(path)!r}: Values must be an object, not {values!r}")
    return {name: str(value) for name, value in values.items()}


def _own_names(folder: Path) -> set[str]:
    """Return the names of the folder's modules and packages.

    A folder without `__init__.py` is not among them: Python prefers a package of its name in another folder.
    """
    modules = {path.stem for path in folder.glob("*.py")}
    return (modules | {path.parent.name for path in folder.glob("*/__init__.py")}) - RESERVED_NAMES


def _is_in(module: ModuleType | None, folder: Path) -> bool:
    """Tell whether a module or package is one of `folder` itself, and not of a folder such as .venv below it."""
    if module is None:
        return False
    file = getattr(module, "__file__", None)
    folders = [Path(file).parent] if file else [Path(path) for path in getattr(module, "__path__", ())]
    return any(path in (folder, folder / module.__name__) for path in folders)


def _take_modules(names: set[str]) -> dict[str, ModuleType]:
    """Remove the modules of these names, and their submodules, from those that are loaded; return them."""
    loaded = [name for name in list(sys.modules) if name.partition(".")[0] in names]
    return {name: sys.modules.pop(name) for name in loaded}
