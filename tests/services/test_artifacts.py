"""Artifacts are named by their content, belong to their tenant's folder, and carry what is too large for history."""

from pathlib import Path

import pytest

from contracts.content import INLINE_BYTES, Content, Reference
from services.artifacts import StoredArtifacts, get_text, put_text
from services.errors import GiveUp, RetryLater


@pytest.fixture
def artifacts(tmp_path: Path) -> StoredArtifacts:
    return StoredArtifacts((tmp_path / "with space").as_uri())


@pytest.mark.anyio
async def test_the_same_bytes_are_one_artifact(artifacts: StoredArtifacts, tmp_path: Path) -> None:
    first = await artifacts.put("tenant", b"same")
    second = await artifacts.put("tenant", b"same")

    assert first == second
    assert first.artifact.startswith("tenant/")
    assert await artifacts.get(first) == b"same"
    assert _files(tmp_path) == 1


@pytest.mark.anyio
async def test_texts_travel_inline_up_to_a_size_counted_in_bytes(artifacts: StoredArtifacts) -> None:
    small, large = "x" * INLINE_BYTES, "é" * (INLINE_BYTES // 2 + 1)

    assert await put_text(artifacts, "t", small) == Content(text=small)
    kept = await put_text(artifacts, "t", large)
    assert kept.text is None
    assert await get_text(artifacts, kept) == large


@pytest.mark.anyio
async def test_what_is_not_there_is_not_asked_for_again(artifacts: StoredArtifacts) -> None:
    with pytest.raises(GiveUp, match="'t/nothing' does not exist"):
        await artifacts.get(Reference(artifact="t/nothing", bytes=0))


@pytest.mark.anyio
async def test_a_store_that_cannot_be_written_is_worth_another_try(tmp_path: Path) -> None:
    artifacts = StoredArtifacts((tmp_path / "store").as_uri())
    (tmp_path / "store" / "t").write_text("a file where a folder is due", encoding="utf-8")

    with pytest.raises(RetryLater) as raised:
        await artifacts.put("t", b"x")

    assert raised.value.code == "artifacts_unavailable"


def _files(folder: Path) -> int:
    return len([path for path in folder.rglob("*") if path.is_file()])
