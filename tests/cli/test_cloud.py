"""Settings and secrets that the local cloud gives to the app."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loopback.serving import CannotStart, free_port
from murmuration.cli.cloud import given_settings
from murmuration.cli.local_settings import approval_secret, local_settings
from tests.services_on_loopback import ROOT


def test_the_approval_secret_outlives_a_restart_and_belongs_to_one_folder(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()

    first = approval_secret(here)

    assert len(first) >= 32
    assert approval_secret(here) == first
    assert approval_secret(there) != first


def test_a_secret_that_cannot_be_stored_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="approval-secret"):
        approval_secret(tmp_path / "missing")


def test_the_weight_of_vectors_suits_the_embedding_model() -> None:
    def weight(given: dict[str, str]) -> str | None:
        return local_settings(given, Path("data"), 1, 2).get("SEARCH_VECTOR_WEIGHT")

    assert weight({}) == "0.01"
    assert float(weight({"EMBEDDING_MODEL": "all-minilm-l6-v2"}) or 0) > 0.01
    assert weight({"EMBEDDING_MODEL": "theirs"}) is None, "the app's own default holds"


def test_the_cloud_does_not_start_with_an_unknown_embedding_model(tmp_path: Path) -> None:
    ports = [text for name in ("--port", "--search-port", "--model-port") for text in (name, str(free_port()))]
    environment = {**os.environ, "EMBEDDING_MODEL": "word2vec"}
    command = [sys.executable, "-m", "murmuration.cli", "up", "--data", str(tmp_path), *ports]

    done = subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert "EMBEDDING_MODEL" in done.stderr
    assert "'word2vec'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_environment_wins_over_the_file_and_an_empty_setting_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"MY_OWN": "x", "TENANT": "acme", "MODEL_FAST": "small", "AZURE_SEARCH_ENDPOINT": ""}
    (tmp_path / "local.settings.json").write_text(json.dumps({"Values": values}), encoding="utf-8")
    monkeypatch.setenv("TENANT", "other")
    monkeypatch.setenv("MODEL_FAST", "")

    given = given_settings(tmp_path)

    assert (given["MY_OWN"], given["TENANT"], given["MODEL_FAST"]) == ("x", "other", "small")
    assert "AZURE_SEARCH_ENDPOINT" not in given
