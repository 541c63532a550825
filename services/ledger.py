"""What one step used and how it went: filled in by the services, sent back with the step's result."""

from contracts.usage import Usage


class Ledger:
    """Lives as long as one attempt at a step."""

    def __init__(self, *, last_attempt: bool) -> None:
        self.last_attempt = last_attempt
        self.usage = Usage()
        self.prompts: dict[str, str] = {}
        self.models: set[str] = set()
        self.degraded: set[str] = set()

    def charge(self, usage: Usage, model: str) -> None:
        self.usage = self.usage + usage
        self.models.add(model)
