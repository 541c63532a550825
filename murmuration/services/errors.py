"""The errors of services. An activity raises a `StepError` or `Pending`; anything else is a bug."""

RATE_LIMITED = "rate_limited"
"""The code of a `RetryLater` from a service that is up and has too much to do."""


class StepError(Exception):
    """A step could not be done. `code` is stable; the message holds neither a provider's words nor content."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RetryLater(StepError):
    """A service can't serve this now. `seconds` is the pause that it asked for (Retry-After), if any."""

    def __init__(self, code: str, message: str, seconds: float | None = None) -> None:
        super().__init__(code, message)
        self.seconds = seconds


class GiveUp(StepError):
    """Another attempt would not help."""


class Refused(StepError):
    """The model, or a provider's content filter, refused to answer."""


class Pending(Exception):
    """The work goes on elsewhere, and nothing is wrong. `token` leads back to it."""

    def __init__(self, token: str) -> None:
        super().__init__("still under way")
        self.token = token


class SettingsError(Exception):
    """A setting is missing or malformed; the message names its key and quotes its value."""
