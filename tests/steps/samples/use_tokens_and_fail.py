"""Uses a model, and then fails in the way that its input names."""

from murmuration.contracts.background import Cancelled, UnderWay
from murmuration.contracts.usage import Tokens, used
from murmuration.services.errors import GiveUp, Pending, Refused, RetryLater
from murmuration.services.step_context import StepContext

FAILURES = {
    "give_up": GiveUp("code", "message"),
    "pending": Pending("token"),
    "refused": Refused("code", "message"),
    "retry_later": RetryLater("code", "message"),
    "time_out": TimeoutError(),
}


async def use_tokens_and_fail(request: UnderWay, step_context: StepContext) -> Cancelled:
    step_context.record_usage(used("offline", Tokens(input=70, output=7), calls=1), "model")
    raise FAILURES[request.token]
