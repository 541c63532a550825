"""Passages and conversations are shaped for an agent's question."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from murmuration.contracts.passages import Passage, PassageSet
from murmuration.services.clients import artifact_store
from murmuration.services.storage.artifacts import put_value
from murmuration.services.storage.prompt_inputs import CONVERSATION_TOKENS, conversation_as_prompt, read_passages
from murmuration.services.storage.sessions import Sessions, StoredTurn

pytestmark = pytest.mark.anyio
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


async def test_the_best_passages_of_every_set_come_first_and_each_passage_once(tmp_path: Path) -> None:
    artifacts = artifact_store(tmp_path.as_uri()).of_run("0123-run")
    sets = (("a", "b", "c"), ("d", "a"))
    references = [
        await put_value(artifacts, PassageSet(passages=tuple(Passage(id=id_, text=id_, source="s") for id_ in ids)))
        for ids in sets
    ]

    passages = await read_passages(artifacts, [references[0], None, references[1]])

    assert [passage.id for passage in passages] == ["a", "d", "b", "c"]


async def test_only_the_last_turns_of_a_long_conversation_are_sent(tmp_path: Path) -> None:
    sessions = Sessions(artifact_store(tmp_path.as_uri()), "0123")
    for number in range(9):
        at = BEGAN + timedelta(minutes=number)
        answer = "word " * CONVERSATION_TOKENS
        await sessions.append("talk", StoredTurn(run=f"run-{number}", at=at, goal=f"goal {number}", answer=answer))

    prompt = await conversation_as_prompt(sessions, "talk")

    assert isinstance(prompt, dict)
    assert isinstance(prompt["turns"], list)
    goals = [turn["goal"] for turn in prompt["turns"] if isinstance(turn, dict)]
    assert goals == ["goal 5", "goal 6", "goal 7", "goal 8"]


async def test_no_conversation_is_sent_without_a_session_or_before_its_first_turn(tmp_path: Path) -> None:
    sessions = Sessions(artifact_store(tmp_path.as_uri()), "0123")

    assert await conversation_as_prompt(sessions, "") is None
    assert await conversation_as_prompt(sessions, "new") is None
