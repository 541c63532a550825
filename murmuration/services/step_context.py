"""The context of one attempt at a step: services fill it in, and it is sent back with the step's result."""

from murmuration.contracts.usage import Usage


class StepContext:
    """The usage, models, prompts and degradations of one attempt at a step."""

    def __init__(self, *, last_attempt: bool, token: str | None = None, downgrade_model: bool = False) -> None:
        self.last_attempt = last_attempt
        self.token = token
        """The token of work that an earlier attempt has started elsewhere."""
        self.downgrade_model = downgrade_model
        """Whether every agent is asked through the tier `fast`."""
        self.usage = Usage()
        self.prompts: dict[str, str] = {}
        """The version of each agent's prompt, by the agent's name."""
        self.models: set[str] = set()
        """The models that answered, as they name themselves."""
        self.degraded: set[str] = set()
        """Codes of everything that was worked around, such as `keyword_search`."""

    def record_usage(self, usage: Usage, model: str) -> None:
        """Add usage, which goes by the settings' name of the model; `model` is its own name."""
        self.usage = self.usage + usage
        self.models.add(model)
