"""Many strands as one: each the moment its inputs are there, and no more at once than the limit."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from murmuration.durable.flow import Leaf, Strand, any_ended, give_up

T = TypeVar("T")


@dataclass(frozen=True)
class Group(Generic[T]):
    """One name that stands for several strands, each of which takes a place of its own under the limit."""

    members: Sequence[Callable[[], Strand[T]]]
    gather: Callable[[Sequence[T]], T]
    """Makes the result of the name from those of its members, in their order."""


Begin = Callable[[str, Mapping[str, T]], Strand[T] | Group[T]]


@dataclass
class _Graph(Generic[T]):
    """What is under way. A member of a group is known by the group's name and its number, others by number -1."""

    order: list[str]
    inputs: Mapping[str, Collection[str]]
    begin: Begin[T]
    limit: int
    results: dict[str, T]
    queued: list[tuple[tuple[str, int], Callable[[], Strand[T]]]] = field(default_factory=list)
    running: dict[tuple[str, int], tuple[Strand[T], tuple[Leaf, ...]]] = field(default_factory=dict)
    groups: dict[str, tuple[Group[T], dict[int, T]]] = field(default_factory=dict)

    def fill(self) -> bool:
        """Start what may start; returns whether anything did."""
        started = False
        while len(self.running) < self.limit:
            if self.queued:
                place, make = self.queued.pop(0)
                self.advance(place, make())
            else:
                name = next((each for each in self.order if self.results.keys() >= set(self.inputs[each])), None)
                if name is None:
                    break
                self.order.remove(name)
                self._open(name, self.begin(name, self.results))
            started = True
        return started

    def _open(self, name: str, begun: Strand[T] | Group[T]) -> None:
        if not isinstance(begun, Group):
            self.advance((name, -1), begun)
        elif not begun.members:
            self.results[name] = begun.gather(())
        else:
            self.groups[name] = (begun, {})
            self.queued += [((name, number), make) for number, make in enumerate(begun.members)]

    def advance(self, place: tuple[str, int], strand: Strand[T]) -> None:
        try:
            self.running[place] = (strand, strand.send(None))
        except StopIteration as stop:
            self.running.pop(place, None)
            self._done(*place, stop.value)

    def _done(self, name: str, number: int, result: T) -> None:
        if number < 0:
            self.results[name] = result
            return
        group, results = self.groups[name]
        results[number] = result
        if len(results) == len(group.members):
            self.results[name] = group.gather([results[each] for each in range(len(results))])

    def give_up(self) -> Strand[None]:
        for strand, _ in self.running.values():
            yield from give_up(strand)

    def wake(self) -> bool:
        """Advance every strand one of whose leaves has ended; returns whether there was one."""
        awake = [place for place, (_, leaves) in self.running.items() if any_ended(leaves)]
        for place in awake:
            self.advance(place, self.running[place][0])
        return bool(awake)


def run_graph(
    order: Sequence[str],
    inputs: Mapping[str, Collection[str]],
    begin: Begin[T],
    limit: int,
    done: Mapping[str, T] | None = None,
) -> Strand[dict[str, T]]:
    """Run one strand per name, each the moment all of its `inputs` are there, at most `limit` at once.

    `begin(name, results so far)` makes the strand, or the group of strands. Among those that are ready, the earlier in
    `order` starts first, the members of a group before others. `done` are names with their results already. The
    results come in `order`. An exception of a strand ends them all, the others are given up: a strand whose failure
    must not do so returns it as a value.
    """
    results = {name: result for name, result in (done or {}).items() if name in order}
    graph = _Graph([name for name in order if name not in results], inputs, begin, limit, results)
    try:
        while graph.order or graph.queued or graph.running:
            started = graph.fill()
            if graph.wake() or started:
                continue
            if not graph.running:
                raise ValueError(f"these wait for what never comes: {graph.order!r}")
            yield tuple(leaf for _, leaves in graph.running.values() for leaf in leaves)
    except Exception:
        yield from graph.give_up()
        raise
    return {name: graph.results[name] for name in order}
