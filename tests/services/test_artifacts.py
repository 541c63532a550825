"""Artifacts are named by the hash of their content, in the folder of their run."""

from pathlib import Path

import pytest

from murmuration.contracts.content import INLINE_BYTES, Content, Reference
from murmuration.services.clients import artifact_store
from murmuration.services.errors import GiveUp, RetryLater
from murmuration.services.storage.artifacts import ArtifactStore, get_text, put_text, run_folder

RUN = "0123-run"


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return artifact_store((tmp_path / "with space").as_uri())


@pytest.mark.anyio
async def test_the_same_bytes_are_one_artifact(store: ArtifactStore, tmp_path: Path) -> None:
    artifacts = store.of_run(RUN)
    first = await artifacts.put(b"same")
    second = await artifacts.put(b"same")

    assert first == second
    assert first.artifact.startswith("0123/runs/0123-run/")
    assert await artifacts.get(first) == b"same"
    assert _files(tmp_path) == 1


@pytest.mark.anyio
async def test_texts_travel_inline_up_to_a_size_counted_in_bytes(store: ArtifactStore) -> None:
    artifacts = store.of_run(RUN)
    small, large = "x" * INLINE_BYTES, "é" * (INLINE_BYTES // 2 + 1)

    assert await put_text(artifacts, small) == Content(text=small)
    content = await put_text(artifacts, large)
    assert content.text is None
    assert await get_text(artifacts, content) == large


@pytest.mark.anyio
async def test_a_missing_artifact_is_not_tried_again(store: ArtifactStore) -> None:
    with pytest.raises(GiveUp, match="'0123/nothing' does not exist"):
        await store.of_run(RUN).get(Reference(artifact="0123/nothing", bytes=0))


@pytest.mark.anyio
async def test_another_tenants_artifact_is_answered_like_a_missing_one(store: ArtifactStore) -> None:
    foreign = await store.of_run("4567-run").put(b"secret")

    with pytest.raises(GiveUp, match="does not exist"):
        await store.of_run(RUN).get(foreign)


@pytest.mark.anyio
async def test_all_artifacts_of_a_run_can_be_listed_and_deleted(store: ArtifactStore) -> None:
    for run, body in ((RUN, b"one"), (RUN, b"two"), ("0123-run-2", b"other")):
        await store.of_run(run).put(body)

    names = await store.names(run_folder(RUN))
    await store.delete([*names, "0123/runs/0123-run/never-there"])

    assert len(names) == 2
    assert await store.names(run_folder(RUN)) == []
    assert len(await store.names("0123")) == 1


@pytest.mark.anyio
async def test_a_store_that_can_not_be_written_is_tried_again_later(tmp_path: Path) -> None:
    store = artifact_store((tmp_path / "store").as_uri())
    (tmp_path / "store" / "0123").write_text("a file where a folder is due", encoding="utf-8")

    with pytest.raises(RetryLater) as raised:
        await store.of_run(RUN).put(b"x")

    assert raised.value.code == "artifacts_unavailable"


def _files(folder: Path) -> int:
    return len([path for path in folder.rglob("*") if path.is_file()])
