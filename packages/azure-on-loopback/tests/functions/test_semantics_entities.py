"""Entities: calls, signals, batches, errors, state."""

from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost, run_host
from tests.functions.semantics import BASE, EVENT_SENT, SEMANTICS, events, output, run, until


def operate(host: DurableHost, *operations: tuple[str, str, Any], entity: str = "box") -> Any:
    """Each operation is (key, name, value); a name that ends in ! is a signal."""
    asked = [[entity, key, name.rstrip("!"), value, name.endswith("!")] for key, name, value in operations]
    return output(host, "operates", {"operations": asked})


@pytest.mark.parametrize("value", [{"a": 1}, [1], 5, 0, "text", "", True, False, None])
def test_a_call_carries_its_value_and_gives_the_result(host: DurableHost, value: Any) -> None:
    key = f"value-{value!r}"

    assert operate(host, (key, "peek", value), (key, "put", value), (key, "get", None)) == [[value], 1, [value]]


def test_a_call_is_an_event_that_is_sent_and_one_that_answers(host: DurableHost) -> None:
    asked = {"operations": [["Box", "Key", "who", None, False]]}
    ended = run(host, "operates", asked)

    assert ended["output"] == [["box", "Key", "who"]], "the name in lower case, the key as it is"
    (sent,) = events(host, ended["instanceId"], EVENT_SENT)
    (answer,) = events(host, ended["instanceId"], 15)
    assert (sent["EventId"], sent["InstanceId"]) == (0, "@box@Key")
    assert f'"{answer["Name"]}"' in sent["Input"]
    assert '"op": "who"' in sent["Input"]
    assert "exceptionType" not in answer["Input"]


def test_signals_and_calls_are_done_in_the_order_they_were_sent(host: DurableHost) -> None:
    found = operate(host, *(("order", "put!", number) for number in range(20)), ("order", "get", None))

    assert found == [list(range(20))]


def test_a_signal_takes_a_number_and_holds_nothing_up(host: DurableHost) -> None:
    ended = run(host, "operates", {"operations": [["box", "signalled", "put", 1, True]] * 2})

    assert ended["output"] == []
    assert [event["EventId"] for event in events(host, ended["instanceId"], EVENT_SENT)] == [0, 1]
    until(lambda: host.entity("box", "signalled") == [1, 1])


def test_an_operation_that_fails_raises_its_text_and_keeps_what_it_did(host: DurableHost) -> None:
    found = operate(host, ("bad", "put_and_fail", 1), ("bad", "put", 2), ("bad", "get", None))

    assert found == ["failed: failed after it was put", 2, [1, 2]]


def test_a_failed_signal_harms_nobody(host: DurableHost) -> None:
    found = operate(host, ("s", "nonsense!", 1), ("s", "put!", 2), ("s", "nonsense", 3), ("s", "get", None))

    assert found == ["failed: no operation nonsense", [2]]


def test_operations_after_one_that_failed_are_done(host: DurableHost) -> None:
    tasks = [{"kind": "call", "entity": ["box", "after"], "op": op} for op in ("nonsense", "get")]

    assert "no operation nonsense" in output(host, "all_of", {"tasks": tasks})
    assert operate(host, ("after", "get", None)) == [[]]


def test_an_entity_that_is_destructed_begins_anew(host: DurableHost) -> None:
    found = operate(host, ("gone", "put", 1), ("gone", "delete", None), ("gone", "get", None))
    assert found[2] == []

    operate(host, ("gone", "put", 1), ("gone", "delete", None))
    assert host.call("GET", f"{BASE}/entities/box/gone").status == 404


def test_state_that_is_not_json_fails_its_operation_and_is_not_kept(host: DurableHost) -> None:
    found = operate(host, ("odd", "put", 1), ("odd", "set_to_a_set", None), ("odd", "get", None))

    assert (found[0], found[1].startswith("failed: "), found[2]) == (1, True, [1])


def test_an_unknown_entity_fails_its_call(host: DurableHost) -> None:
    assert "failed: " in operate(host, ("key", "get", None), entity="nobody")[0]


def test_an_operation_without_an_input_has_none_to_get(host: DurableHost) -> None:
    """From outside; a call or signal of an orchestrator always has one."""
    assert host.signal("box", "no-input", "put") == 202
    assert host.signal("box", "no-input", "put", 5) == 202

    until(lambda: host.entity("box", "no-input") == [5])


def test_keys_are_apart(host: DurableHost) -> None:
    operate(host, ("apart", "put", 1), ("Apart", "put", 2), ("apart one", "put", 3))

    assert [host.entity("box", key) for key in ("apart", "Apart", "apart%20one")] == [[1], [2], [3]]


def test_calls_of_many_runs_are_done_one_by_one(host: DurableHost) -> None:
    runs = [host.start("operates", {"operations": [["box", "shared", "put", each, False]]}) for each in range(20)]

    assert sorted(host.wait(each)["output"][0] for each in runs) == list(range(1, 21))


def test_a_run_that_has_ended_is_not_needed_for_its_signal(host: DurableHost) -> None:
    ended = run(host, "operates", {"operations": [["box", "later", "put", "v", True]]})
    host.call("DELETE", f"{BASE}/instances/{ended['instanceId']}")

    until(lambda: host.entity("box", "later") == ["v"])


def test_state_outlives_the_host(tmp_path: Path) -> None:
    with run_host(SEMANTICS, tmp_path) as host:
        operate(host, ("kept", "put", 1))
    with run_host(SEMANTICS, tmp_path) as host:
        assert host.entity("box", "kept") == [1]
        assert operate(host, ("kept", "put", 2), ("kept", "get", None)) == [2, [1, 2]]
