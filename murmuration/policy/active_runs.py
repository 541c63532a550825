"""Which of a tenant's runs may work: as many as the limit says, the others in the order in which they came."""

from datetime import timedelta

from murmuration.contracts.admission import Acquire, ActiveRuns, Admission, QueuedRun, Release, Wake

HOLDER_CHECK_INTERVAL = timedelta(seconds=2)
"""Runs that have a place are not holders_checked at more often, however many others ask."""


def acquire(state: ActiveRuns, request: Acquire) -> tuple[ActiveRuns, Admission]:
    """A place for the run, or a place in the queue. To ask again is to ask whether it has one by now."""
    if request.run not in state.active:
        state = _queued(state, request)
    state, granted = _filled(state)
    admitted = request.run in state.active
    wakes = [each for each in granted if each.run != request.run]
    if not admitted and (state.holders_checked is None or request.at - state.holders_checked >= HOLDER_CHECK_INTERVAL):
        state = state.model_copy(update={"holders_checked": request.at})
        told = {wake.run for wake in wakes}
        wakes += [Wake(run=run) for run in state.active if run not in told]
    return state, Admission(admitted=admitted, wakes=tuple(wakes))


def release(state: ActiveRuns, released: Release) -> tuple[ActiveRuns, Admission]:
    """Take places back, and give them to who is next. A run that has none is fine."""
    state, granted = _filled(
        state.model_copy(
            update={
                "active": tuple(run for run in state.active if run not in released.ended),
                "waiting": tuple(each for each in state.waiting if each.run not in released.ended),
            }
        )
    )
    wakes = tuple(each for each in granted if each.run != released.run)
    return state, Admission(admitted=released.run in state.active, wakes=wakes)


def _queued(state: ActiveRuns, request: Acquire) -> ActiveRuns:
    """The newcomer at its place in the queue; who waits already stays where it is, with the event it waits for now."""
    own = QueuedRun(run=request.run, event=request.event, again=request.again)
    if any(each.run == request.run for each in state.waiting):
        waiting = tuple(own if each.run == request.run else each for each in state.waiting)
        return state.model_copy(update={"waiting": waiting})
    ahead = [each for each in state.waiting if each.again or not request.again]
    behind = [each for each in state.waiting if each not in ahead]
    return state.model_copy(update={"waiting": (*ahead, own, *behind), "limit": request.limit})


def _filled(state: ActiveRuns) -> tuple[ActiveRuns, list[Wake]]:
    free = max(0, state.limit - len(state.active))
    granted, waiting = state.waiting[:free], state.waiting[free:]
    active = (*state.active, *(each.run for each in granted))
    wakes = [Wake(run=each.run, event=each.event) for each in granted]
    return state.model_copy(update={"active": active, "waiting": waiting}), wakes
