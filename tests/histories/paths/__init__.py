"""Every path of every workflow, by name. A module here has `PATHS`: workflow -> path -> its scripted run."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pkgutil import iter_modules

from simulation.scripted import Trace

Run = Callable[[], Trace]

PATHS: Mapping[str, Mapping[str, Run]] = {
    workflow: paths
    for module in iter_modules(__path__, f"{__name__}.")
    for workflow, paths in import_module(module.name).PATHS.items()
}
