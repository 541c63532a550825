"""Conversations and their memories over HTTP: who sees them, and where they are stored."""

from pathlib import Path

import pytest

from murmuration.policy.tenancy import session_key
from tests.end_to_end.conftest import Product

GREEN = "How long does green tea steep?"
TENANT = "default"
MAX_WHOLE_TURNS = 8


def folder(product: Product, user: str, session: str) -> Path:
    """Return the folder of the stored conversation."""
    (path,) = product.data.rglob(f"sessions/{session_key(TENANT, user, session)}")
    return path


def known(product: Product, goal: str, user: str = "") -> list[str]:
    """Return the memories that the planner gets for a goal, which itself leaves none."""
    product.achieve(goal, user=user, remember=False)
    return [note["text"] for note in product.last_prompt("planner")["known"]]


def test_a_goal_that_points_back_is_answered_in_context(product: Product) -> None:
    first = product.achieve(GREEN, user="ada", session_id="kitchen")
    second = product.achieve("And black tea?", user="ada", session_id="kitchen")

    assert "three minutes" in first["answer"]
    assert "five minutes" in second["answer"]
    assert second["citations"][0]["source"] == "tea/black.rst"
    assert [turn["goal"] for turn in product.last_prompt("planner")["conversation"]["turns"]] == [GREEN]


def test_two_users_have_two_conversations_of_one_name(product: Product) -> None:
    product.achieve(GREEN, user="ada", session_id="shared name")

    for user in ("bob", ""):
        product.achieve("And black tea?", user=user, session_id="shared name")
        assert product.last_prompt("planner")["conversation"] is None

    product.achieve("And black tea?", user="ada", session_id="shared name")
    assert product.last_prompt("planner")["conversation"] is not None


def test_every_turn_is_stored_and_older_ones_are_summarized(product: Product) -> None:
    for number in range(MAX_WHOLE_TURNS):
        product.achieve(GREEN if number % 2 else "How hot is the water for green tea?", session_id="long talk")
    stored = folder(product, "", "long talk")
    assert not (stored / "summary").exists()

    product.achieve("And black tea?", session_id="long talk")

    assert len(list((stored / "turns").iterdir())) == MAX_WHOLE_TURNS + 1
    assert (stored / "summary").is_file()
    product.achieve("And black tea?", session_id="long talk")
    conversation = product.last_prompt("planner")["conversation"]
    assert "How hot is the water for green tea? Green tea needs water of 80 degrees." in conversation["summary"]
    assert len(conversation["turns"]) == 4


def test_names_of_conversations_and_users_are_stored_nowhere(product: Product) -> None:
    product.achieve(GREEN, user="carla@example.org", session_id="a-name-to-look-for")

    files = [path for path in product.data.rglob("*") if path.is_file()]
    history = b"".join(path.read_bytes() for path in files if path.name.startswith("functions.db"))
    assert session_key(TENANT, "carla@example.org", "a-name-to-look-for").encode() in history, "only its key is stored"
    for name in (b"a-name-to-look-for", b"carla"):
        assert [path.name for path in files if name in path.read_bytes()] == []


def test_a_decision_is_known_to_later_goals(product: Product) -> None:
    product.achieve(f"We decided to keep backups for 30 days. {GREEN}")
    assert "We decided to keep backups for 30 days." in known(product, "How long do we keep backups?")

    product.achieve(f"We decided to keep backups for 60 days. {GREEN}")
    memories = known(product, "How long do we keep backups?")
    assert "We decided to keep backups for 60 days." in memories
    assert "We decided to keep backups for 30 days." not in memories


def test_a_preference_belongs_to_its_user(product: Product) -> None:
    product.achieve(f"I prefer short answers. {GREEN}", user="ada")

    preference = "I prefer short answers."
    assert preference in known(product, "Which answers do I prefer?", user="ada")
    assert preference not in known(product, "Which answers do I prefer?", user="bob")
    assert preference not in known(product, "Which answers do I prefer?")


def test_a_goal_not_to_be_remembered_leaves_no_memory(product: Product) -> None:
    product.achieve("We decided to paint the shed blue. How hot is the water for green tea?", remember=False)

    assert [note for note in known(product, "What was decided of painting the shed?") if "shed" in note] == []


@pytest.mark.parametrize("session", ["x" * 257, "a\nb"])
def test_an_invalid_conversation_name_is_refused(product: Product, session: str) -> None:
    status, problem = product.call("POST", "/api/goals", {"goal": GREEN, "session_id": session})

    assert (status, problem["errors"][0]["field"]) == (400, "session_id")
