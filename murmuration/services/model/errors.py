"""What a model provider's failures mean for a step. Their own words go nowhere but here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from murmuration.services.errors import RATE_LIMITED, GiveUp, Refused, RetryLater, StepError
from murmuration.services.telemetry.log import log

if TYPE_CHECKING:
    from openai import APIStatusError

CONTENT_FILTER_CODES = frozenset({"content_filter", "content_policy_violation"})
SPENT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""A 429 that no pause helps: somebody has to pay first, so it counts as an outage."""
WORTH_ANOTHER_TRY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class TemperatureRefused(Exception):
    """The model does not take a temperature."""


@contextmanager
def translated(agent: str) -> Iterator[None]:
    """Turn what the openai SDK raises, and what it makes of nonsense, into `StepError`s."""
    from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError

    try:
        yield
    except StepError:
        raise
    except APITimeoutError as error:
        raise RetryLater("model_timeout", f"the model did not answer {agent} in time") from error
    except APIConnectionError as error:
        raise RetryLater("model_unavailable", f"the model of {agent} can't be reached") from error
    except APIStatusError as error:
        if error.status_code == 400 and error.param == "temperature":
            raise TemperatureRefused from error
        raise _from_status(agent, error) from error
    except (OpenAIError, AttributeError, LookupError, TypeError, ValueError) as error:
        # The SDK meets a 200 that isn't its API (a proxy's page, say) with errors of its own making.
        raise RetryLater("model_unavailable", f"the model of {agent} answered with something else") from error


def _from_status(agent: str, error: "APIStatusError") -> StepError:
    log("model_error", agent=agent, status=error.status_code, code=str(error.code))
    if error.status_code in WORTH_ANOTHER_TRY:
        limited = error.status_code == 429 and error.code not in SPENT_CODES
        code = RATE_LIMITED if limited else "model_unavailable"
        seconds = _retry_after(error)
        return RetryLater(code, f"the model of {agent} answered {error.status_code}", seconds)
    if error.code in CONTENT_FILTER_CODES:
        return Refused("content_filtered", f"the provider's content filter stopped {agent}")
    return GiveUp("model_rejected_request", f"the model of {agent} answered {error.status_code}")


def _retry_after(error: "APIStatusError") -> float | None:
    """Seconds, from `retry-after-ms` or `Retry-After`; a date or nonsense counts as not given."""
    for header, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(error.response.headers[header]) * unit)
        except (KeyError, ValueError):
            continue
    return None
