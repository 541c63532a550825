"""Turns failures of a model provider into `StepError`s. The provider's own words are never passed on."""

from collections.abc import Iterator
from contextlib import contextmanager

from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError

from murmuration.services.errors import RATE_LIMITED, GiveUp, Refused, RetryLater, StepError
from murmuration.services.telemetry.log import log

CONTENT_FILTER_CODES = frozenset({"content_filter", "content_policy_violation"})
QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""Codes of a 429 that no pause helps: somebody has to pay first, so it counts as an outage."""
RETRIED_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class TemperatureRefused(Exception):
    """The model does not take a temperature."""


@contextmanager
def openai_errors(agent: str) -> Iterator[None]:
    """Turn what the openai SDK raises into `StepError`s; raises `TemperatureRefused`, too."""
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
        # A 200 that isn't the API's, such as a proxy's page, makes the SDK raise errors of these types.
        raise RetryLater("model_unavailable", f"the model of {agent} answered with something else") from error


def _from_status(agent: str, error: APIStatusError) -> StepError:
    log("model_error", agent=agent, status=error.status_code, code=str(error.code))
    if error.status_code in RETRIED_STATUSES:
        limited = error.status_code == 429 and error.code not in QUOTA_CODES
        code = RATE_LIMITED if limited else "model_unavailable"
        seconds = _retry_after(error)
        return RetryLater(code, f"the model of {agent} answered {error.status_code}", seconds)
    if error.code in CONTENT_FILTER_CODES:
        return Refused("content_filtered", f"the provider's content filter stopped {agent}")
    return GiveUp("model_rejected_request", f"the model of {agent} answered {error.status_code}")


def _retry_after(error: APIStatusError) -> float | None:
    """Return seconds from `retry-after-ms` or `Retry-After`; None for a date or nonsense."""
    for header, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(error.response.headers[header]) * unit)
        except (KeyError, ValueError):
            continue
    return None
