"""What one step used and how it went: filled in by the services, sent back with the step's result."""

from murmuration.contracts.usage import Usage


class StepContext:
    """Lives as long as one attempt at a step."""

    def __init__(self, *, last_attempt: bool, token: str | None = None, downgrade_model: bool = False) -> None:
        self.last_attempt = last_attempt
        self.token = token
        """What leads back to work that an earlier attempt has begun elsewhere."""
        self.downgrade_model = downgrade_model
        """Whether the models of the tier `fast` will have to do."""
        self.usage = Usage()
        self.prompts: dict[str, str] = {}
        self.models: set[str] = set()
        self.degraded: set[str] = set()

    def record_usage(self, usage: Usage, model: str) -> None:
        """`model` as it names itself; the usage is kept by the name that the settings give it."""
        self.usage = self.usage + usage
        self.models.add(model)
