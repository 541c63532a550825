"""What a run may use, and when it has used it."""

from contracts.goals import Budget
from contracts.usage import Usage


def passed_limit(budget: Budget, used: Usage, seconds: float) -> str | None:
    """Which limit leaves no room for another step, in words for a person; None while there is room.

    Asked before each step, so that a run spends at most its budget and one step per task that is under way.
    """
    if used.tokens >= budget.tokens:
        return f"{used.tokens} of {budget.tokens} tokens are used"
    if used.model_calls >= budget.model_calls:
        return f"{used.model_calls} of {budget.model_calls} model calls are used"
    if seconds >= budget.seconds:
        return f"{seconds:.0f} of {budget.seconds} seconds are used"
    return None
