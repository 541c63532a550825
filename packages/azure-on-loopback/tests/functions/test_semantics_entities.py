"""Entities: calls, signals, batches, errors, state."""

from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost, run_host
from tests.functions.polling import eventually
from tests.functions.semantics import BASE, EVENT_SENT, SEMANTICS, events, output, run


def operate(host: DurableHost, *operations: tuple[str, str, Any], entity: str = "box") -> Any:
    """Carry out operations; each is (key, name, value), and a name that ends in ! is a signal."""
    rows = [[entity, key, name.rstrip("!"), value, name.endswith("!")] for key, name, value in operations]
    return output(host, "operates", {"operations": rows})


@pytest.mark.parametrize("value", [{"a": 1}, [1], 5, 0, "text", "", True, False, None])
def test_a_call_carries_its_value_and_returns_the_result(host: DurableHost, value: Any) -> None:
    key = f"value-{value!r}"

    assert operate(host, (key, "peek", value), (key, "put", value), (key, "get", None)) == [[value], 1, [value]]


def test_a_call_is_recorded_as_an_event_sent_and_an_event_raised(host: DurableHost) -> None:
    ended = run(host, "operates", {"operations": [["Box", "Key", "who", None, False]]})

    assert ended["output"] == [["box", "Key", "who"]], "the name in lower case, the key as it is"
    (sent,) = events(host, ended["instanceId"], EVENT_SENT)
    (answer,) = events(host, ended["instanceId"], 15)
    assert (sent["EventId"], sent["InstanceId"]) == (0, "@box@Key")
    assert f'"{answer["Name"]}"' in sent["Input"]
    assert '"op": "who"' in sent["Input"]
    assert "exceptionType" not in answer["Input"]


def test_signals_and_calls_are_done_in_the_order_they_were_sent(host: DurableHost) -> None:
    results = operate(host, *(("order", "put!", number) for number in range(20)), ("order", "get", None))

    assert results == [list(range(20))]


def test_a_signal_takes_a_number_and_is_not_waited_for(host: DurableHost) -> None:
    ended = run(host, "operates", {"operations": [["box", "signalled", "put", 1, True]] * 2})

    assert ended["output"] == []
    assert [event["EventId"] for event in events(host, ended["instanceId"], EVENT_SENT)] == [0, 1]
    eventually(lambda: host.entity("box", "signalled") == [1, 1])


def test_a_failed_operation_raises_its_text_and_keeps_its_state(host: DurableHost) -> None:
    results = operate(host, ("bad", "put_and_fail", 1), ("bad", "put", 2), ("bad", "get", None))

    assert results == ["failed: failed after it was put", 2, [1, 2]]


def test_a_failed_signal_affects_no_other_operation(host: DurableHost) -> None:
    results = operate(host, ("s", "nonsense!", 1), ("s", "put!", 2), ("s", "nonsense", 3), ("s", "get", None))

    assert results == ["failed: no operation nonsense", [2]]


def test_operations_after_a_failed_one_are_carried_out(host: DurableHost) -> None:
    tasks = [{"kind": "call", "entity": ["box", "after"], "op": op} for op in ("nonsense", "get")]

    assert "no operation nonsense" in output(host, "all_of", {"tasks": tasks})
    assert operate(host, ("after", "get", None)) == [[]]


def test_a_destructed_entity_begins_anew(host: DurableHost) -> None:
    results = operate(host, ("gone", "put", 1), ("gone", "delete", None), ("gone", "get", None))
    assert results[2] == []

    operate(host, ("gone", "put", 1), ("gone", "delete", None))
    assert host.call("GET", f"{BASE}/entities/box/gone").status == 404


def test_state_that_is_not_json_fails_its_operation_and_is_dropped(host: DurableHost) -> None:
    results = operate(host, ("odd", "put", 1), ("odd", "set_to_a_set", None), ("odd", "get", None))

    assert (results[0], results[1].startswith("failed: "), results[2]) == (1, True, [1])


def test_an_unknown_entity_fails_its_call(host: DurableHost) -> None:
    assert "failed: " in operate(host, ("key", "get", None), entity="nobody")[0]


def test_an_operation_without_an_input_has_none_to_get(host: DurableHost) -> None:
    # Only a signal from outside can lack an input; that of an orchestrator always has one.
    assert host.signal("box", "no-input", "put") == 202
    assert host.signal("box", "no-input", "put", 5) == 202

    eventually(lambda: host.entity("box", "no-input") == [5])


def test_keys_that_look_alike_are_different_entities(host: DurableHost) -> None:
    operate(host, ("apart", "put", 1), ("Apart", "put", 2), ("apart one", "put", 3))

    assert [host.entity("box", key) for key in ("apart", "Apart", "apart%20one")] == [[1], [2], [3]]


def test_calls_of_many_runs_are_carried_out_one_by_one(host: DurableHost) -> None:
    runs = [host.start("operates", {"operations": [["box", "shared", "put", number, False]]}) for number in range(20)]

    assert sorted(host.wait(instance)["output"][0] for instance in runs) == list(range(1, 21))


def test_a_signal_arrives_though_its_run_has_ended(host: DurableHost) -> None:
    ended = run(host, "operates", {"operations": [["box", "later", "put", "v", True]]})
    host.call("DELETE", f"{BASE}/instances/{ended['instanceId']}")

    eventually(lambda: host.entity("box", "later") == ["v"])


def test_state_outlives_the_host(tmp_path: Path) -> None:
    with run_host(SEMANTICS, tmp_path) as host:
        operate(host, ("kept", "put", 1))
    with run_host(SEMANTICS, tmp_path) as host:
        assert host.entity("box", "kept") == [1]
        assert operate(host, ("kept", "put", 2), ("kept", "get", None)) == [2, [1, 2]]
