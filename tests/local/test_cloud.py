"""What the local cloud makes up for the app, and keeps."""

from pathlib import Path

import pytest

from local.cloud import approval_secret
from local.serving import CannotStart


def test_the_secret_of_links_outlives_a_restart_and_is_another_in_another_folder(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()

    first = approval_secret(here)

    assert len(first) >= 32
    assert approval_secret(here) == first
    assert approval_secret(there) != first


def test_a_secret_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="approval-secret"):
        approval_secret(tmp_path / "missing")
