"""Which of a tenant's runs may work: as many as the limit says, the others in the order in which they came."""

from datetime import timedelta

from murmuration.contracts.admission import ActiveRuns, Admission, Departure, Entry, Knock, Waiting

LOOK_AGAIN = timedelta(seconds=2)
"""Runs that have a place are not looked at more often, however many others ask."""


def enter(state: ActiveRuns, entry: Entry) -> tuple[ActiveRuns, Admission]:
    """A place for the run, or a place in the queue. To ask again is to ask whether it has one by now."""
    if entry.run not in state.active:
        state = _queued(state, entry)
    state, granted = _filled(state)
    admitted = entry.run in state.active
    knocks = [each for each in granted if each.run != entry.run]
    if not admitted and (state.looked is None or entry.at - state.looked >= LOOK_AGAIN):
        state = state.model_copy(update={"looked": entry.at})
        told = {each.run for each in knocks}
        knocks += [Knock(run=run) for run in state.active if run not in told]
    return state, Admission(admitted=admitted, knocks=tuple(knocks))


def leave(state: ActiveRuns, departure: Departure) -> tuple[ActiveRuns, Admission]:
    """Take places back, and give them to who is next. A run that has none is fine."""
    state, granted = _filled(
        state.model_copy(
            update={
                "active": tuple(run for run in state.active if run not in departure.gone),
                "waiting": tuple(each for each in state.waiting if each.run not in departure.gone),
            }
        )
    )
    knocks = tuple(each for each in granted if each.run != departure.run)
    return state, Admission(admitted=departure.run in state.active, knocks=knocks)


def _queued(state: ActiveRuns, entry: Entry) -> ActiveRuns:
    """The newcomer at its place in the queue; who waits already stays where it is, with the event it waits for now."""
    own = Waiting(run=entry.run, event=entry.event, again=entry.again)
    if any(each.run == entry.run for each in state.waiting):
        waiting = tuple(own if each.run == entry.run else each for each in state.waiting)
        return state.model_copy(update={"waiting": waiting})
    ahead = [each for each in state.waiting if each.again or not entry.again]
    behind = [each for each in state.waiting if each not in ahead]
    return state.model_copy(update={"waiting": (*ahead, own, *behind), "limit": entry.limit})


def _filled(state: ActiveRuns) -> tuple[ActiveRuns, list[Knock]]:
    free = max(0, state.limit - len(state.active))
    granted, waiting = state.waiting[:free], state.waiting[free:]
    active = (*state.active, *(each.run for each in granted))
    knocks = [Knock(run=each.run, event=each.event) for each in granted]
    return state.model_copy(update={"active": active, "waiting": waiting}), knocks
