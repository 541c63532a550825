"""What the service answers when it can't."""

from aiohttp import web


class Fault(Exception):
    """An answer in OpenAI's shape of errors."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code
        self.retry_after: float | None = None

    def response(self) -> web.Response:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return web.json_response({"error": error}, status=self.status, headers=headers)


def no_such_model(message: str) -> Fault:
    """The model of a request is unknown, or can't be used here."""
    return Fault(404, message, param="model", code="model_not_found")
