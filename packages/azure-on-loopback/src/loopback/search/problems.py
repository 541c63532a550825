"""Errors as Azure AI Search answers them; and a data file that can't be read."""

from pathlib import Path


class ServiceProblem(Exception):
    """An answer other than success: {"error": {"code", "message"}}."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Damaged(Exception):
    """A data file is missing or is not as long as what was written into it."""

    def __init__(self, path: Path) -> None:
        what = "is cut off or has been changed" if path.exists() else "is missing"
        super().__init__(f"the data file {str(path)!r} {what}: put it back from a copy, or start anew with --reset")


def bad(message: str) -> ServiceProblem:
    return ServiceProblem(400, message, "InvalidRequestParameter")
