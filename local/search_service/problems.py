"""Errors as Azure AI Search answers them."""


class ServiceProblem(Exception):
    """An answer other than success: {"error": {"code", "message"}}."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def bad(message: str) -> ServiceProblem:
    return ServiceProblem(400, message, "InvalidRequestParameter")
