"""Every path of every orchestrator, by their names."""

from collections.abc import Callable, Mapping

from simulation.scripted import Trace
from tests.histories import goals, others

PATHS: Mapping[str, Mapping[str, Callable[[], Trace]]] = {
    "achieve_goal": goals.PATHS,
    "approval_gate": others.GATES,
    "read_documents": others.READINGS,
    "forget": others.FORGETTINGS,
}
