"""Errors in the shape in which OpenAI answers them."""

from aiohttp import web


class ApiError(Exception):
    """An answer other than success: {"error": {"message", "type", "param", "code"}}."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code
        self.retry_after = retry_after

    def response(self) -> web.Response:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return web.json_response({"error": error}, status=self.status, headers=headers)


def model_not_found(message: str) -> ApiError:
    """Make the error for a model that is unknown or can't be used on this machine."""
    return ApiError(404, message, param="model", code="model_not_found")
