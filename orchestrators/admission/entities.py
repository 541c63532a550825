"""The two entities of admission, one of each for a tenant: `token_bucket` and `active_runs`.

Operations of an entity are done one after the other, which makes them exact. Each is pure: state and input in, state
and answer out; the time comes with the input. An operation that is delivered twice does no harm: a request counts
twice, a run has its place already, or has left already.
"""

import json
from typing import Any

from azure.durable_functions import DurableEntityContext

from murmuration.contracts.admission import ActiveRuns, Bucket, Departure, Entry, Take
from murmuration.policy.active_runs import enter, leave
from murmuration.policy.token_bucket import take


def token_bucket(context: DurableEntityContext) -> None:
    """`take` (a `Take`) takes a token, whether there is one or not: the door has let the request pass."""
    if context.operation_name != "take":
        raise LookupError(f"no operation {context.operation_name!r}")
    taken = Take.model_validate(_given(context))
    state = context.get_state()
    bucket = take(None if state is None else Bucket.model_validate(state), taken.rate, taken.at)
    context.set_state(bucket.model_dump(mode="json"))
    context.set_result(None)


def active_runs(context: DurableEntityContext) -> None:
    """`enter` (an `Entry`) and `leave` (a `Departure`); both answer an `Admission`."""
    state = ActiveRuns.model_validate(context.get_state(dict))
    match context.operation_name:
        case "enter":
            state, admission = enter(state, Entry.model_validate(_given(context)))
        case "leave":
            state, admission = leave(state, Departure.model_validate(_given(context)))
        case other:
            raise LookupError(f"no operation {other!r}")
    context.set_state(state.model_dump(mode="json"))
    context.set_result(admission.model_dump(mode="json"))


def _given(context: DurableEntityContext) -> Any:
    """The input: a client sends it as JSON text, an orchestrator as a value."""
    given = context.get_input()
    return json.loads(given) if isinstance(given, str) else given
