"""Errors as Azure AI Search answers them, and the error of a damaged data file."""

from pathlib import Path


class ApiError(Exception):
    """An answer other than success: {"error": {"code", "message"}}."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class DamagedFile(Exception):
    """A data file is missing, or shorter or longer than what was written to it."""

    def __init__(self, path: Path) -> None:
        what = "is cut off or has been changed" if path.exists() else "is missing"
        super().__init__(f"the data file {str(path)!r} {what}: restore it from a copy, or start with --reset")


def bad_request(message: str) -> ApiError:
    return ApiError(400, message, "InvalidRequestParameter")
