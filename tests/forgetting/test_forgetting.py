"""A deletion clears indexes, store and histories of its subject alone, and its receipt proves it."""

import json
from typing import Any

import pytest

from murmuration.contracts.forgetting import Receipt
from murmuration.policy.forgetting import digest
from murmuration.policy.tenancy import run_id, session_key, tenant_key, user_key
from tests.forgetting.conftest import TENANT, App, wait_until

TEA = {"tea.md": "# Tea\n\nGreen tea needs water of 80 degrees."}
POSTED = '"content":"# Mate'
GOAL = "How hot is the water for green tea?"
NOTHING = {"runs": 0, "stopped": 0, "artifacts": 0, "conversations": 0, "records": 0}


def receipt_of(state: dict[str, Any]) -> Receipt:
    receipt = Receipt.model_validate(state["receipt"])
    assert receipt.sha256 == digest(receipt)
    return receipt


def verified(state: dict[str, Any]) -> Receipt:
    receipt = receipt_of(state)
    assert (state["status"], receipt.verified, receipt.remains, receipt.problems) == ("completed", True, {}, ())
    return receipt


def counts(receipt: Receipt) -> dict[str, Any]:
    return {name.partition("-")[0]: count for name, count in receipt.deleted.rows.items()}


def test_the_deletion_of_a_user_leaves_other_users_as_they_are(app: App) -> None:
    app.read({"ada.md": "# Ada\n\nThe cat of Ada is called Mirabel."}, user="ada")
    app.read({"bob.md": "# Bob\n\nThe dog of Bob is called Waldo."}, user="bob")
    app.achieve("How is the cat of Ada called?", user="ada", session_id="pets")
    app.achieve("How is the dog of Bob called?", user="bob", session_id="pets")
    ada, bob = user_key(TENANT, "ada"), user_key(TENANT, "bob")
    before = {kind: app.rows(kind, f"user eq '{ada}'") for kind in ("knowledge", "memory")}

    receipt = verified(app.forget({"user": "ada"}))

    assert counts(receipt) == {kind: len(rows) for kind, rows in before.items()}
    assert (receipt.deleted.runs, receipt.deleted.stopped, receipt.deleted.conversations) == (2, 0, 1)
    assert (receipt.kind, receipt.key) == ("user", ada)
    assert receipt.deleted.artifacts > 0
    assert all(app.rows(kind, f"user eq '{ada}'") == [] for kind in ("knowledge", "memory"))
    assert all(app.rows(kind, f"user eq '{bob}'") for kind in ("knowledge", "memory"))
    assert app.objects("Mirabel") == []
    assert app.objects("Waldo") != []
    assert [name for name in app.objects() if ada in name] == []
    assert "Waldo" in app.achieve("How is the dog of Bob called?", user="bob", session_id="pets")["answer"]


def test_the_deletion_of_a_session_leaves_the_users_other_sessions_as_they_are(app: App) -> None:
    app.read({"cleo.md": "# Cleo\n\nThe boat of Cleo is called Meridian."}, user="cleo")
    for session in ("private", "work"):
        app.achieve("How is the boat of Cleo called?", user="cleo", session_id=session)
    private, work = (session_key(TENANT, "cleo", name) for name in ("private", "work"))

    receipt = verified(app.forget({"session": {"user": "cleo", "id": "work"}}))

    assert (receipt.key, receipt.deleted.runs, receipt.deleted.conversations) == (work, 1, 1)
    assert [name for name in app.objects() if work in name] == []
    assert [name for name in app.objects() if private in name] != []
    assert app.rows("memory", f"session eq '{work}'") == []
    assert app.rows("knowledge", f"user eq '{user_key(TENANT, 'cleo')}'") != []


def test_a_document_is_deleted_with_its_derived_memories_and_its_upload(app: App) -> None:
    app.read({**TEA, "mate.md": "# Mate\n\nMate is drunk from a calabash by gauchos."})
    app.achieve("What is mate drunk from?", user="dora")
    app.achieve(GOAL)
    assert app.objects(POSTED) != []
    derived = app.rows("memory", "sources/any(s: s eq 'mate.md')")
    assert derived

    receipt = verified(app.forget({"documents": ["mate.md"]}))

    assert counts(receipt) == {"knowledge": 1, "memory": len(derived)}
    assert receipt.deleted.runs == 0
    assert app.rows("memory", "sources/any(s: s eq 'mate.md')") == []
    assert {row["source"] for row in app.rows("knowledge", f"tenant eq '{TENANT}'")} >= {"tea.md"}
    assert app.rows("memory", "sources/any(s: s eq 'tea.md')") != []
    assert app.objects(POSTED) == [], "the upload was deleted, too"


def test_the_deletion_of_a_users_document_leaves_the_shared_one_of_the_same_name(app: App) -> None:
    app.read({"plan.md": "# Plan\n\nEverybody may read the plan."})
    app.read({"plan.md": "# Plan\n\nEve alone may read the plan."}, user="eve")

    receipt = verified(app.forget({"documents": ["plan.md"], "user": "eve"}))

    assert counts(receipt)["knowledge"] == 1
    assert [row["user"] for row in app.rows("knowledge", "source eq 'plan.md'")] == [None]


def test_a_run_is_deleted_with_its_turn_of_the_conversation(app: App) -> None:
    app.read(TEA)
    for number, goal in enumerate([GOAL, "What does green tea need?"]):
        app.achieve(goal, key=f"forgotten-{number}", session_id="one")
    run, other = (run_id(TENANT, f"forgotten-{number}") for number in range(2))

    receipt = verified(app.forget({"run": run}))

    assert (receipt.key, receipt.deleted.runs) == (run, 1)
    assert not app.has_history(run)
    assert app.has_history(other)
    assert [name for name in app.objects() if run in name] == []
    assert [name for name in app.objects() if "/turns/" in name and other in name] != []
    assert app.rows("memory", f"run eq '{run}'") == []


def test_the_deletion_of_an_unknown_subject_counts_nothing(app: App) -> None:
    never = run_id(TENANT, "never")
    for body in ({"user": "nobody"}, {"session": {"id": "none"}}, {"documents": ["no.md"]}, {"run": never}):
        receipt = verified(app.forget(body))

        assert receipt.deleted.model_dump(exclude={"rows"}) == NOTHING
        assert counts(receipt) == {"knowledge": 0, "memory": 0}
        assert receipt.read_back >= 1


def test_a_second_deletion_finds_nothing_and_a_repeated_request_is_one_run(app: App) -> None:
    app.read({"fay.md": "# Fay\n\nFay plays the oboe."}, user="fay")
    first = app.forget({"documents": ["fay.md"], "user": "fay"}, Idempotency_Key="fay")

    repeated = app.forget({"documents": ["fay.md"], "user": "fay"}, Idempotency_Key="fay")
    assert repeated["receipt"] == first["receipt"]
    assert counts(verified(app.forget({"documents": ["fay.md"], "user": "fay"}))) == {"knowledge": 0, "memory": 0}
    assert [name for name in app.objects() if f"/runs/{first['id']}/" in name] == []


def test_the_receipt_and_the_input_of_the_run_hold_no_name(app: App) -> None:
    app.read({"gustav.md": "# Gustav\n\nGustav collects stamps."}, user="gustav")

    for body in ({"user": "gustav"}, {"documents": ["gustav.md"], "user": "gustav"}):
        state = app.forget(body)

        history = app.host.call("GET", f"/admin/instances/{state['id']}/history").content.decode().lower()
        assert "gustav" not in json.dumps(state)
        assert "gustav" not in history
    assert app.objects("gustav") == []


def test_the_receipt_waits_until_searches_no_longer_find_deleted_rows(app: App) -> None:
    app.read({"hal.md": "# Hal\n\nHal grows tomatoes."}, user="hal")
    app.lag(3600)
    try:
        run = app.start_deletion({"user": "hal"})
        wait_until(lambda: app.completed_steps(run, "forget_objects") >= 2)
    finally:
        app.lag(0)
    receipt = verified(app.end_of_deletion(run))

    assert counts(receipt)["knowledge"] == 1, "counted once, though it was found after it was deleted"
    assert receipt.read_back >= 3
    assert app.rows("knowledge", f"user eq '{user_key(TENANT, 'hal')}'") == []


def test_rows_written_before_the_deletion_and_visible_after_it_began_are_deleted(app: App) -> None:
    app.lag(3600)
    try:
        app.read({"ian.md": "# Ian\n\nIan grows cucumbers."}, user="ian")
        assert app.rows("knowledge", f"user eq '{user_key(TENANT, 'ian')}'") == [], "written, and not visible yet"
        run = app.start_deletion({"user": "ian"})
        wait_until(lambda: app.completed_steps(run, "forget_rows") >= 2)
    finally:
        app.lag(0)
    receipt = verified(app.end_of_deletion(run))

    assert counts(receipt)["knowledge"] == 1


def test_rows_that_stay_visible_are_reported_as_not_deleted(app: App) -> None:
    app.read({"una.md": "# Una\n\nUna repairs clocks."}, user="una")
    app.lag(3600)
    try:
        state = app.forget({"user": "una"})
    finally:
        app.lag(0)

    receipt = receipt_of(state)
    assert (state["status"], receipt.verified, receipt.remains) == ("failed", False, {"knowledge": 1})
    assert counts(receipt)["knowledge"] == 1
    assert counts(verified(app.forget({"user": "una"})))["knowledge"] == 0


def test_a_run_under_way_is_stopped_and_leaves_nothing(app: App) -> None:
    app.read({"ida.md": "# Ida\n\nThe horse of Ida is called Pegasus."}, user="ida")
    app.model.hold("writer")
    answer = app.host.call("POST", "/api/goals", {"goal": "How is the horse of Ida called?", "user": "ida"})
    run = answer.json["id"]
    wait_until(lambda: app.model.calls > 0)

    deletion = app.start_deletion({"user": "ida"})
    wait_until(lambda: not app.has_history(run) and not [name for name in app.objects() if f"/{run}/" in name])
    app.model.release()  # the step that was under way writes its answer though its run is gone
    wait_until(lambda: [name for name in app.objects() if f"/{run}/" in name] != [])
    receipt = verified(app.end_of_deletion(deletion))

    assert receipt.deleted.stopped == 1
    assert (receipt.finished - receipt.started).total_seconds() >= 240, "a stopped run's step may write as long"
    assert receipt.read_back > 2, "the late artifact was found and deleted"
    assert not app.has_history(run)
    assert [name for name in app.objects() if run in name] == []
    assert app.rows("memory", f"user eq '{user_key(TENANT, 'ida')}'") == []


def test_an_approval_gate_is_stopped_and_deleted_with_its_run(app: App) -> None:
    app.read({"eve.md": "# Eve\n\nThe horse of Eve is called Bucephalus."}, user="eve")
    options = {"approval": {"panels": [{"approvers": ["ann@example.com"]}]}}
    body = {"goal": "How is the horse of Eve called?", "user": "eve", "options": options}
    run = app.host.call("POST", "/api/goals", body).json["id"]
    wait_until(lambda: app.has_history(f"{run}-gate-1"))

    receipt = verified(app.forget({"user": "eve"}))

    assert receipt.deleted.stopped == 2, "the run, and its gate"
    assert not app.has_history(f"{run}-gate-1")
    assert not app.has_history(run)


@pytest.mark.parametrize(
    ("body", "field", "quoted"),
    [
        ({}, "(body)", "send one of user, session, documents, run and everything (got {})"),
        ({"user": "ada", "run": "x"}, "user", "stands beside run: send one of them (got 'ada')"),
        ({"session": {"id": "s"}, "documents": ["a"]}, "session", "stands beside documents"),
        ({"user": " "}, "user", "at least 1 character"),
        ({"user": 5}, "user", "(got 5)"),
        ({"session": {"id": ""}}, "session.id", "at least 1 character"),
        ({"session": {"id": "s", "who": "x"}}, "session.who", "unknown field (got 'x')"),
        ({"documents": []}, "documents", "at least 1 item"),
        ({"documents": ["a"] * 101}, "documents", "at most 100 items"),
        ({"documents": ["a\nb"]}, "documents.0", "(got 'a\\nb')"),
        ({"run": "../x"}, "run", "(got '../x')"),
        ({"everything": False}, "everything", "(got False)"),
        ({"everything": True}, "confirm", "is missing: repeat the tenant's name"),
        ({"everything": True, "confirm": "other"}, "confirm", "is not the tenant's name (got 'other')"),
        ({"user": "ada", "confirm": TENANT}, "confirm", "belongs to everything, which is missing (got 'acme')"),
        ({"user": "ada", "force": True}, "force", "unknown field (got True)"),
    ],
)
def test_a_bad_request_gets_a_problem_that_names_the_field(app: App, body: Any, field: str, quoted: str) -> None:
    answer = app.host.call("POST", "/api/forget", body)

    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert field in [error["field"] for error in answer.json["errors"]]
    assert quoted in answer.json["detail"]


def test_a_run_of_another_tenant_is_not_found_and_a_receipt_stays(app: App) -> None:
    assert app.host.call("POST", "/api/forget", {"run": run_id("other", "x")}).status == 404
    state = app.forget({"user": "nobody"})

    answer = app.host.call("POST", "/api/forget", {"run": state["id"]})

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "run")
    assert app.host.call("GET", f"/api/goals/{state['id']}").status == 404


def test_documents_are_listed_with_their_chunks(app: App) -> None:
    app.read({"list/a.md": "# A\n\nOne.\n\n# B\n\nTwo.", "list/b.md": "# B\n\nThree."}, user="jo")

    everything = app.host.call("GET", "/api/documents?user=jo").json
    some = app.host.call("GET", "/api/documents?user=jo&prefix=list/b").json
    behind = app.host.call("GET", "/api/documents?user=jo&after=list/a.md").json

    assert [document["source"] for document in everything["documents"]] == ["list/a.md", "list/b.md"]
    assert all(document["chunks"] >= 1 for document in everything["documents"])
    assert everything["next"] is None
    assert some == behind == {"documents": everything["documents"][1:], "next": None}
    assert app.host.call("GET", "/api/documents?prefix=" + "x" * 513).status == 400


def test_the_deletion_of_a_tenant_leaves_others_and_the_receipts(app: App) -> None:
    app.read(TEA)
    app.achieve(GOAL, session_id="last", user="kim")
    other = {"id": f"{tenant_key('other')}-1", "tenant": "other", "text": "Theirs."}
    for kind in ("knowledge", "memory"):
        app.write_row(kind, **other)
    theirs = app.data / "artifacts" / tenant_key("other") / "runs" / "x" / "y"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")

    state = app.forget({"everything": True, "confirm": TENANT})

    receipt = verified(state)
    assert all(count > 0 for count in receipt.deleted.rows.values())
    assert all(app.rows(kind) == [] for kind in ("knowledge", "memory"))
    assert all(app.rows(kind, "tenant eq 'other'") for kind in ("knowledge", "memory"))
    assert app.objects() == [theirs.relative_to(app.data / "artifacts").as_posix()]
    listed = app.host.call("GET", "/runtime/webhooks/durabletask/instances").json
    assert {instance["name"] for instance in listed} == {"forget"}
    assert app.host.call("GET", f"/api/forget/{state['id']}").json["receipt"] == state["receipt"]
