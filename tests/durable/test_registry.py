"""A function that can't be a workflow is refused at registration, with its name, its line and what to do."""

from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

from murmuration.contracts.base import Contract
from murmuration.durable import registry
from murmuration.durable.registry import RegistrationError, entity, workflow
from murmuration.durable.workflow import Flow
from simulation.scripted import Trace, simulate
from tests.durable.running import step

if TYPE_CHECKING:
    from decimal import Decimal


class Order(Contract):
    number: int
    lines: tuple["Line", ...] = ()


class Line(Contract):
    article: str


class Receipt(Contract):
    text: str


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "WORKFLOWS", {})
    monkeypatch.setattr(registry, "ENTITIES", {})


async def yields(flow: Flow, order: Order) -> AsyncGenerator[Receipt, None]:
    yield Receipt(text="")


def generator(flow: Flow, order: Order) -> Generator[Any, Any, Receipt]:
    yield None
    return Receipt(text="")


def plain(flow: Flow, order: Order) -> Receipt:
    return Receipt(text="")


async def without_annotations(flow, order):  # type: ignore[no-untyped-def]
    return Receipt(text="")


async def without_flow(context: Any, order: Order) -> Receipt:
    return Receipt(text="")


async def takes_text(flow: Flow, order: str) -> Receipt:
    return Receipt(text=order)


async def takes_many(flow: Flow, order: Order, more: Order) -> Receipt:
    return Receipt(text="")


async def returns_text(flow: Flow, order: Order) -> str:
    return ""


async def unreadable(flow: Flow, order: "Decimal") -> Receipt:
    return Receipt(text="")


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (yields, "has a yield: a workflow awaits what it waits for"),
        (generator, "is a generator: write async def generator(flow, input)"),
        (plain, "is no coroutine function: write async def plain(flow, input)"),
        (without_annotations, "must take a Flow and a Contract and return a Contract: annotate all three"),
        (without_flow, "must take a Flow and a Contract and return a Contract: annotate all three"),
        (takes_text, "must take a Flow and a Contract and return a Contract: annotate all three"),
        (takes_many, "must take a Flow and a Contract and return a Contract: annotate all three"),
        (returns_text, "must take a Flow and a Contract and return a Contract: annotate all three"),
        (unreadable, "has an annotation that can't be read: name 'Decimal' is not defined"),
    ],
)
def test_a_function_that_is_no_workflow_is_refused(function: Callable[..., Any], why: str) -> None:
    with pytest.raises(RegistrationError) as refused:
        workflow(function)

    line = f"{function.__name__!r} ({__file__}:{function.__code__.co_firstlineno}) "
    assert str(refused.value) == line + why
    assert registry.WORKFLOWS == {}


def of_name(name: str, source: str = "") -> Callable[..., Any]:
    """A function of the name; with `source`, as if from that file."""
    text = f"async def {name}(flow: Flow, order: Order) -> Receipt:\n    return Receipt(text='')\n"
    namespace = dict(globals())
    exec(compile(text, source, "exec"), namespace)  # noqa: S102
    function: Callable[..., Any] = namespace[name]
    return function


def test_two_workflows_of_one_name_are_refused_with_both_places() -> None:
    workflow(of_name("order", "one.py"))

    with pytest.raises(
        RegistrationError, match=r"'order' \(two.py:1\) has the name of 'order' \(one.py:1\): give it another"
    ):
        workflow(of_name("order", "two.py"))


def test_two_workflows_of_one_name_in_one_file_are_refused() -> None:
    async def same(flow: Flow, order: Order) -> Receipt:
        return Receipt(text="")

    workflow(same)

    async def same(flow: Flow, order: Order) -> Receipt:  # type: ignore[no-redef]
        return Receipt(text="")

    with pytest.raises(RegistrationError, match="has the name of 'same'"):
        workflow(same)


def test_two_entities_of_one_name_are_refused() -> None:
    entity(of_name("counter", "one.py"))

    with pytest.raises(RegistrationError, match="has the name of 'counter'"):
        entity(of_name("counter", "two.py"))


def test_a_module_that_is_loaded_again_registers_anew() -> None:
    workflow(of_name("order", "one.py"))
    again = workflow(of_name("order", "one.py"))

    assert {"order": again} == registry.WORKFLOWS


async def charge(flow: Flow, order: Order) -> Receipt:
    if order.number < 0:
        return order  # type: ignore[return-value] # what is refused
    return Receipt(text=f"order {order.number}")


def charged(value: Any) -> Trace:
    return simulate(workflow(charge), value, step)


def test_input_and_result_are_contracts() -> None:
    assert charged({"number": 7}).output == {"text": "order 7"}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"number": "many"}, "number: Input should be a valid integer"),
        ({}, "number: Field required"),
        ({"number": 1, "lines": [{"article": "tea"}, {}]}, "lines.1.article: Field required"),
        (None, "the input: Input should be a valid dictionary"),
        ([1], "the input: Input should be a valid dictionary"),
        ("text", "the input: Input should be a valid dictionary"),
        (5, "the input: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_input_fails_the_run_with_its_field(value: Any, field: str) -> None:
    trace = charged(value)

    assert str(trace.error).startswith(f"wrong_input: charge takes Order: {field}")
    assert trace.episodes == 1


def test_a_wrong_result_fails_the_run() -> None:
    assert charged({"number": -1}).error == "wrong_result: charge returned Order, not Receipt"
