"""Why a run ends before its answer is accepted."""


class RunFailed(Exception):
    """The run ends here as `failed`, with a stable code and a message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
