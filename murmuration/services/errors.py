"""What may go wrong, in a step and before it. An activity raises a `StepError` or is
`Pending`; anything else is a bug."""

RATE_LIMITED = "rate_limited"
"""The code of a `RetryLater` of somebody who is there, and has too much to do."""


class StepError(Exception):
    """A step could not be done. `code` is stable; the message holds no provider's words and no content."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RetryLater(StepError):
    """The outside can't serve this now. `seconds` is what it asked for (Retry-After), if it did."""

    def __init__(self, code: str, message: str, seconds: float | None = None) -> None:
        super().__init__(code, message)
        self.seconds = seconds


class GiveUp(StepError):
    """Trying again would not help."""


class Refused(StepError):
    """The model refused to answer, or a provider's content filter did."""


class Pending(Exception):
    """Nothing is wrong: what was asked for is being worked on elsewhere. `token` leads back to it."""

    def __init__(self, token: str) -> None:
        super().__init__("still under way")
        self.token = token


class SettingsError(Exception):
    """A setting is missing or malformed; the message names its key, and quotes its value."""
