"""A plan that breaks a rule is refused before anything runs, with a reason the planner can act on."""

from typing import Any

import pytest

from murmuration.contracts.passages import MAX_QUERY_VARIANTS
from murmuration.contracts.replies import PlanReply
from murmuration.policy.plan_rules import MAX_TASKS, AgentTypes, PlanRejected, checked_plan

GOOD: list[dict[str, Any]] = [
    {"id": "t1", "type": "retriever", "instruction": "find", "depends_on": []},
    {"id": "t2", "type": "executor", "instruction": "answer", "depends_on": ["t1"]},
]


def plan(*changes: dict[str, Any]) -> PlanReply:
    """The good plan, with one change per task."""
    rows = [{**row, **change} for row, change in zip(GOOD, changes, strict=False)]
    return PlanReply.model_validate({"tasks": rows + GOOD[len(rows) :]})


def test_a_good_plan_keeps_its_order_and_drops_repeated_dependencies() -> None:
    checked = checked_plan(plan({}, {"depends_on": ["t1", "t1"]}))

    assert [(task.id, task.depends_on) for task in checked.tasks] == [("t1", ()), ("t2", ("t1",))]


@pytest.mark.parametrize(
    ("reply", "code", "reason"),
    [
        (PlanReply(tasks=[]), "unusable_plan", "this one has 0"),
        (plan({"id": "a b"}), "unusable_plan", "'a b'"),
        (plan({}, {"id": "t1"}), "unusable_plan", "'t1' is used twice"),
        (plan({"type": "wizard"}), "unsupported_task", "'wizard' is unknown"),
        (plan({"type": "tool"}), "unsupported_task", "'tool' is reserved"),
        (plan({"instruction": "  "}), "unusable_plan", "'t1': instruction"),
        (plan({"instruction": "x" * 1_001}), "unusable_plan", "'t1': instruction"),
        (plan({}, {"depends_on": ["t9"]}), "unusable_plan", "'t9', which is no task"),
        (plan({}, {"type": "retriever"}), "unusable_plan", "at least one executor"),
        (plan({"depends_on": ["t2"]}), "unusable_plan", "cycle: t1 -> t2 -> t1"),
        (plan({"depends_on": ["t1"]}), "unusable_plan", "cycle: t1 -> t1"),
    ],
)
def test_a_bad_plan_is_refused_with_the_reason(reply: PlanReply, code: str, reason: str) -> None:
    with pytest.raises(PlanRejected) as refused:
        checked_plan(reply)

    assert refused.value.code == code
    assert reason in str(refused.value)


def test_a_plan_of_too_many_tasks_is_refused() -> None:
    rows = [{**GOOD[1], "id": f"t{number}", "depends_on": []} for number in range(MAX_TASKS + 1)]

    with pytest.raises(PlanRejected, match=f"this one has {MAX_TASKS + 1}"):
        checked_plan(PlanReply.model_validate({"tasks": rows}))


def executor(**fields: Any) -> PlanReply:
    """The good plan with a third task, an executor."""
    task = {"id": "t3", "type": "executor", "instruction": "and then", **fields}
    return PlanReply.model_validate({"tasks": [*GOOD, task]})


def test_a_task_depends_on_every_task_it_names() -> None:
    checked = checked_plan(
        executor(
            instruction="shorten ${t2.answer} for ${item}",
            for_each="t2",
            when={"task": "t1", "field": "passages", "op": "gt", "value": 0},
        )
    )

    assert checked.tasks[2].depends_on == ("t2", "t1")


def test_text_that_is_no_reference_stays() -> None:
    assert checked_plan(executor(instruction="what does $HOME or {t1} or ${ mean?")).tasks[2].depends_on == ()


AGENTS: AgentTypes = {"executor": "executor", "expert": "executor", "translator": "agent", "poet": "agent"}


def agent(**fields: Any) -> PlanReply:
    """The good plan with a third task, which an agent performs."""
    return executor(**{"type": "agent", "agent": "translator", "instruction": "translate ${t2.answer}", **fields})


def test_an_agent_performs_a_task_of_its_type() -> None:
    task = checked_plan(agent(on_failure="fallback", fallback={"agent": "poet"}), AGENTS).tasks[2]

    assert (task.type, task.agent, task.depends_on) == ("agent", "translator", ("t2",))


def test_a_plan_of_agents_alone_answers_something() -> None:
    alone = {"id": "t1", "type": "agent", "agent": "poet", "instruction": "write"}

    assert len(checked_plan(PlanReply.model_validate({"tasks": [alone]}), AGENTS).tasks) == 1


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (agent(agent=None), "agent None is none of poet, translator"),
        (agent(agent="wizard"), "agent 'wizard' is none of poet, translator"),
        (agent(agent="expert"), "agent 'expert' performs tasks of type 'executor', not 'agent'"),
        (executor(agent="poet"), "agent 'poet' performs tasks of type 'agent', not 'executor'"),
        (agent(on_failure="fallback", fallback={"agent": "expert"}), "fallback: agent 'expert' performs tasks of type"),
        (agent(id="a", instruction="${a.items}"), "${a.items} is no reference: use the id of an executor with .answer"),
        (
            agent(when={"task": "t3", "field": "score", "op": "gt", "value": 0.5}),
            "field 'score' is unknown for a task of type 'agent'",
        ),
        (agent(instruction="${item}", for_each="t3"), "for_each 't3' is no executor"),
    ],
)
def test_an_agent_that_does_not_fit_its_task_is_refused(reply: PlanReply, reason: str) -> None:
    with pytest.raises(PlanRejected) as refused:
        checked_plan(reply, AGENTS)

    assert reason in str(refused.value)


def test_a_plan_can_name_no_agent_where_there_is_none() -> None:
    with pytest.raises(PlanRejected, match="agent 'translator' is none of those for type 'agent': there is none"):
        checked_plan(agent())


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (executor(instruction="${t9.answer}"), "${t9.answer} is no reference"),
        (executor(instruction="${t1.answer}"), "${t1.answer} is no reference"),
        (executor(instruction="${t2.score}"), "${t2.score} is no reference"),
        (executor(instruction="${HOME}"), "${HOME} is no reference"),
        (executor(instruction="${item}"), "${item} needs for_each"),
        (executor(for_each="t2"), "for_each needs ${item}"),
        (executor(instruction="${item}", for_each="t1"), "for_each 't1' is no executor"),
        (executor(instruction="${item}", for_each="t9"), "for_each 't9' is no executor"),
        (executor(instruction="${t3.answer}"), "cycle: t3 -> t3"),
        (executor(agent="wizard"), "agent 'wizard' is none of executor"),
        (executor(timeout_seconds=0), "timeout_seconds 0"),
        (executor(timeout_seconds=86_401), "timeout_seconds 86401"),
        (executor(on_failure="explode"), "on_failure 'explode'"),
        (executor(on_failure="fallback"), "need each other"),
        (executor(fallback={"answer": "x"}), "need each other"),
        (executor(on_failure="fallback", fallback={}), "give an agent or an answer"),
        (executor(on_failure="fallback", fallback={"agent": "executor", "answer": "x"}), "give an agent or an answer"),
        (executor(on_failure="fallback", fallback={"agent": "wizard"}), "agent 'wizard'"),
        (executor(on_failure="fallback", fallback={"answer": " "}), "answer of 1 to 4000"),
        (executor(when={"task": "t9", "field": "score", "op": "gt", "value": 1}), "'t9' is no task"),
        (executor(when={"task": "t2", "field": "mood", "op": "gt", "value": 1}), "field 'mood'"),
        (
            executor(when={"task": "t1", "field": "score", "op": "gt", "value": 1}),
            "of type 'retriever'",
        ),
        (
            executor(when={"task": "t2", "field": "passages", "op": "gt", "value": 1}),
            "of type 'executor'",
        ),
        (executor(when={"task": "t2", "field": "score", "op": "like", "value": 1}), "op 'like'"),
        (executor(when={"task": "t2", "field": "score", "op": "gt", "value": "high"}), "'high' can't be compared"),
        (executor(when={"task": "t2", "field": "score", "op": "contains", "value": 1}), "needs a text or a list"),
        (executor(when={"task": "t2", "field": "passed", "op": "eq", "value": "yes"}), "not true or false"),
        (executor(when={"task": "t2", "field": "answer", "op": "gt", "value": "a"}), "needs a number"),
        (executor(when={"task": "t2", "field": "state", "op": "eq", "value": "broken"}), "'broken' is no state"),
        (
            executor(
                instruction="mend ${t2.answer}", when={"task": "t2", "field": "state", "op": "eq", "value": "failed"}
            ),
            "when: state eq 'failed' holds when 't2' has no answer, and the task needs it",
        ),
        (
            executor(
                instruction="${item}", for_each="t2", when={"task": "t2", "field": "state", "op": "ne", "value": "Done"}
            ),
            "when: state ne 'Done' holds when 't2' has no answer, and the task needs it",
        ),
    ],
)
def test_a_condition_that_can_never_be_decided_is_refused(reply: PlanReply, reason: str) -> None:
    with pytest.raises(PlanRejected) as refused:
        checked_plan(reply)

    assert reason in str(refused.value)


def test_a_plan_of_the_most_tasks_is_taken() -> None:
    rows = [{**GOOD[1], "id": f"t{number}", "depends_on": []} for number in range(MAX_TASKS)]

    assert MAX_TASKS == 50
    assert len(checked_plan(PlanReply.model_validate({"tasks": rows})).tasks) == 50


def test_a_task_is_taken_over_with_all_its_fields() -> None:
    when = {"task": "t2", "field": "state", "op": "eq", "value": "done"}
    reply = executor(
        agent="expert", when=when, timeout_seconds=86_400, on_failure="fallback", fallback={"answer": "x" * 4_000}
    )

    task = checked_plan(reply, AGENTS).tasks[2].model_dump()

    assert task == {
        "id": "t3",
        "type": "executor",
        "instruction": "and then",
        "queries": (),
        "depends_on": ("t2",),
        "agent": "expert",
        "when": when,
        "for_each": None,
        "timeout_seconds": 86_400,
        "on_failure": "fallback",
        "fallback": {"agent": None, "answer": "x" * 4_000},
    }


def test_a_plain_task_is_performed_by_the_executor_and_skipped_when_it_fails() -> None:
    task = checked_plan(executor(timeout_seconds=1, instruction="x" * 1_000)).tasks[2]

    assert (task.agent, task.on_failure, task.fallback, task.when) == ("executor", "skip", None, None)


def test_a_task_for_each_item_says_whose_items() -> None:
    assert checked_plan(executor(instruction="${item}", for_each="t2")).tasks[2].for_each == "t2"


def test_a_task_for_each_item_may_have_more_items_than_one_answer() -> None:
    fan_out = {"id": "t3", "type": "executor", "instruction": "${item}", "for_each": "t2"}
    after = {
        "id": "t4",
        "type": "executor",
        "instruction": "and then",
        "when": {"task": "t3", "field": "items", "op": "gt", "value": 20},
    }

    assert len(checked_plan(PlanReply.model_validate({"tasks": [*GOOD, fan_out, after]})).tasks) == 4


def test_an_instruction_of_one_character_is_taken() -> None:
    assert checked_plan(executor(instruction="?")).tasks[2].instruction == "?"


def test_a_task_may_fail_the_run() -> None:
    assert checked_plan(executor(on_failure="fail_run")).tasks[2].on_failure == "fail_run"


def test_a_retriever_keeps_its_other_wordings_without_repetitions() -> None:
    queries = [" find ", "find", "search", "", "search", "x" * 1_001, "look", "seek", "hunt"]

    task = checked_plan(plan({"queries": queries})).tasks[0]

    assert task.queries == ("search", "x" * 1_000, "look")[: MAX_QUERY_VARIANTS - 1]
    assert checked_plan(plan({}, {"queries": queries})).tasks[1].queries == ()


def test_answers_of_agents_and_items_of_executors_may_be_referenced() -> None:
    rows = [*GOOD, {"id": "t3", "type": "agent", "agent": "poet", "instruction": "${t2.items}"}]
    rows += [{"id": "t4", "type": "executor", "instruction": "${t3.answer} and ${t2.answer}"}]

    checked = checked_plan(PlanReply.model_validate({"tasks": rows}), AGENTS)

    assert [task.depends_on for task in checked.tasks[2:]] == [("t2",), ("t3", "t2")]


def test_the_instruction_counts_without_the_spaces_around_it() -> None:
    assert checked_plan(executor(instruction=" " * 10 + "x" * 1_000)).tasks[2].instruction.endswith("x")


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (plan({"id": ""}), "task id '': 1 to 32 letters, digits, _ or -"),
        (plan({"id": "x" * 33}), f"task id {'x' * 33!r}: 1 to 32 letters, digits, _ or -"),
        (plan({}, {"type": "retriever"}), "no task answers anything: a plan needs at least one executor or agent"),
        (plan({"type": "tool"}), "task 't1': type 'tool' is reserved; use retriever, executor, agent"),
        (plan({"type": "wizard"}), "task 't1': type 'wizard' is unknown; use retriever, executor, agent"),
        (plan({"instruction": ""}), "task 't1': instruction of 1 to 1000 characters"),
        (plan({"depends_on": ["t9"]}), "task 't1': depends on 't9', which is no task"),
        (executor(timeout_seconds=0), "task 't3': timeout_seconds 0 is not from 1 to 86400"),
        (executor(on_failure="x"), "task 't3': on_failure 'x' is none of skip, fail_run, fallback"),
        (executor(on_failure="fallback"), "task 't3': on_failure 'fallback' and a fallback need each other"),
        (executor(on_failure="fallback", fallback={}), "task 't3': fallback: give an agent or an answer"),
        (
            executor(on_failure="fallback", fallback={"answer": "x" * 4_001}),
            "task 't3': fallback: answer of 1 to 4000 characters",
        ),
        (
            plan({"on_failure": "fallback", "fallback": {"answer": "x"}}),
            "task 't1': fallback: a retriever has no agent and no answer",
        ),
        (executor(instruction="${item}"), "task 't3': ${item} needs for_each"),
        (executor(for_each="t2"), "task 't3': for_each needs ${item} in the instruction"),
        (
            executor(instruction="${item}", for_each="t1"),
            "task 't3': for_each 't1' is no executor, and has no items",
        ),
        (
            executor(instruction="${t1.answer}"),
            "task 't3': ${t1.answer} is no reference: use the id of an executor with .answer or .items, "
            "or of an agent with .answer",
        ),
        (
            executor(when={"task": "t9", "field": "score", "op": "gt", "value": 1}),
            "task 't3': when: 't9' is no task",
        ),
        (
            executor(when={"task": "t2", "field": "score", "op": "like", "value": 1}),
            "task 't3': when: op 'like' is none of eq, ne, gt, ge, lt, le, contains",
        ),
    ],
)
def test_the_planner_reads_what_to_change(reply: PlanReply, message: str) -> None:
    with pytest.raises(PlanRejected) as refused:
        checked_plan(reply)

    assert str(refused.value) == message


def fan_out(op: str) -> PlanReply:
    """The good plan with a task for each item, and one that compares its answers."""
    per_item = {"id": "t3", "type": "executor", "instruction": "open ${item}?", "for_each": "t2"}
    when = {"task": "t3", "field": "answer", "op": op, "value": "yes"}
    then = {"id": "t4", "type": "executor", "instruction": "and then", "when": when}
    return PlanReply.model_validate({"tasks": [*GOOD, per_item, then]})


@pytest.mark.parametrize("op", ["eq", "ne"])
def test_the_answers_of_a_fan_out_are_compared_with_nothing(op: str) -> None:
    with pytest.raises(PlanRejected) as refused:
        checked_plan(fan_out(op))

    expected = f"task 't4': when: 't3' has an answer for each item, and op {op!r} compares one: use contains"
    assert str(refused.value) == expected
    assert len(checked_plan(fan_out("contains")).tasks) == 4


@pytest.mark.parametrize(
    ("tested", "op", "value", "states"),
    [
        ({}, "eq", "skipped", "done or failed"),
        ({"on_failure": "fail_run"}, "eq", "failed", "done"),
        ({"on_failure": "fail_run"}, "ne", "done", "done"),
        ({"on_failure": "fallback", "fallback": {"answer": "x"}}, "eq", "failed", "done"),
        ({"on_failure": "fail_run", "depends_on": ["t1"]}, "eq", "failed", "done or skipped"),
    ],
)
def test_a_branch_that_can_never_run_is_refused(tested: dict[str, Any], op: str, value: str, states: str) -> None:
    with pytest.raises(PlanRejected) as refused:
        checked_plan(branch(tested, op, value))

    reason = f"when: state {op} {value!r} can never hold: 'main' ends as {states}, or ends the run"
    assert str(refused.value) == f"task 'else': {reason}"


@pytest.mark.parametrize(
    ("tested", "op", "value"),
    [
        ({}, "eq", "failed"),
        ({}, "ne", "done"),
        ({}, "ne", "failed"),
        ({"on_failure": "fallback", "fallback": {"agent": "executor"}}, "eq", "failed"),
        ({"depends_on": ["t1"]}, "eq", "skipped"),
        ({"instruction": "${t2.answer}"}, "eq", "skipped"),
        ({"when": {"task": "t2", "field": "passed", "op": "eq", "value": True}}, "eq", "skipped"),
        ({"instruction": "${item}", "for_each": "t2"}, "eq", "skipped"),
        ({"on_failure": "fail_run", "depends_on": ["t1"]}, "ne", "done"),
    ],
)
def test_a_branch_that_may_run_is_taken(tested: dict[str, Any], op: str, value: str) -> None:
    assert len(checked_plan(branch(tested, op, value)).tasks) == 4


def branch(tested: dict[str, Any], op: str, value: str) -> PlanReply:
    """The good plan with a task, and a branch on its state."""
    main = {"id": "main", "type": "executor", "instruction": "main", **tested}
    when = {"task": "main", "field": "state", "op": op, "value": value}
    other = {"id": "else", "type": "executor", "instruction": "else", "when": when}
    return PlanReply.model_validate({"tasks": [*GOOD, main, other]})
