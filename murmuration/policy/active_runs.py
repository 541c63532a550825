"""A semaphore for the active runs of a tenant: its limit of slots, and a queue for the runs that wait for one."""

from datetime import timedelta

from murmuration.contracts.admission import Acquire, ActiveRuns, Admission, QueuedRun, Release, Wake

HOLDER_CHECK_INTERVAL = timedelta(seconds=2)
"""The holders of slots are checked no more often, however many runs wait."""


def acquire(state: ActiveRuns, request: Acquire) -> tuple[ActiveRuns, Admission]:
    """Give the run a slot, or a position in the queue. A waiting run repeats the request to learn whether it has one.

    A run that gets no slot is told which holders to check, since one that died never releases its slot.
    """
    if request.run not in state.active:
        state = _enqueue(state, request)
    state, granted = _fill(state)
    admitted = request.run in state.active
    wakes = [wake for wake in granted if wake.run != request.run]
    if not admitted and (state.holders_checked is None or request.at - state.holders_checked >= HOLDER_CHECK_INTERVAL):
        state = state.model_copy(update={"holders_checked": request.at})
        woken = {wake.run for wake in wakes}
        wakes += [Wake(run=run) for run in state.active if run not in woken]
    return state, Admission(admitted=admitted, wakes=tuple(wakes))


def release(state: ActiveRuns, released: Release) -> tuple[ActiveRuns, Admission]:
    """Free the slots of ended runs, and give them to the next in the queue. Releasing twice is harmless."""
    state, granted = _fill(
        state.model_copy(
            update={
                "active": tuple(run for run in state.active if run not in released.ended),
                "waiting": tuple(queued for queued in state.waiting if queued.run not in released.ended),
            }
        )
    )
    wakes = tuple(wake for wake in granted if wake.run != released.run)
    return state, Admission(admitted=released.run in state.active, wakes=wakes)


def _enqueue(state: ActiveRuns, request: Acquire) -> ActiveRuns:
    """Queue a new run by its rank. A run that waits already keeps its position, and waits for its latest event."""
    own = QueuedRun(run=request.run, event=request.event, again=request.again)
    if any(queued.run == request.run for queued in state.waiting):
        waiting = tuple(own if queued.run == request.run else queued for queued in state.waiting)
        return state.model_copy(update={"waiting": waiting})
    ahead = [queued for queued in state.waiting if queued.again or not request.again]
    behind = [queued for queued in state.waiting if queued not in ahead]
    return state.model_copy(update={"waiting": (*ahead, own, *behind), "limit": request.limit})


def _fill(state: ActiveRuns) -> tuple[ActiveRuns, list[Wake]]:
    """Give the free slots to the first in the queue."""
    free = max(0, state.limit - len(state.active))
    granted, waiting = state.waiting[:free], state.waiting[free:]
    active = (*state.active, *(queued.run for queued in granted))
    wakes = [Wake(run=queued.run, event=queued.event) for queued in granted]
    return state.model_copy(update={"active": active, "waiting": waiting}), wakes
