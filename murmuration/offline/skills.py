"""Skills of the offline model, one an agent; the model service loads them by `--skills`."""

from collections.abc import Callable
from typing import Any

from murmuration.offline.extraction import execute, write
from murmuration.offline.judging import judge
from murmuration.offline.lessons import learn
from murmuration.offline.planning import plan
from murmuration.offline.summaries import shorten, summary

NAME = "murmuration-offline-1"
DESCRIPTION = "deterministic and extractive: plans by rule, answers with sentences it was given, judges by counting"

SKILLS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "planner": plan,
    "executor": execute,
    "expert": execute,
    "evaluator": judge,
    "writer": write,
    "archivist": learn,
    "summarizer": shorten,
}
"""Skills by the name of the structured output, which is the agent's name."""

__all__ = ["DESCRIPTION", "NAME", "SKILLS", "summary"]
