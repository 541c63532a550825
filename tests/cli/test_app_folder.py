"""`mur` finds the app to run, or says what to do."""

from pathlib import Path

import pytest

from loopback.serving import CannotStart
from murmuration.cli import app_folder as module
from murmuration.cli.app_folder import app_folder, default_documents
from tests.services_on_loopback import ROOT


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that murmuration is installed, and return an empty current folder."""
    site_packages, current = tmp_path / "site-packages", tmp_path / "current"
    site_packages.mkdir()
    current.mkdir()
    monkeypatch.setattr(module, "LIBRARY_ROOT", site_packages)
    monkeypatch.chdir(current)
    return current


def test_in_the_repository_its_app_is_run() -> None:
    assert app_folder(None) == ROOT


def test_an_installed_mur_runs_the_app_of_the_current_folder(installed: Path) -> None:
    (installed / "function_app.py").touch()

    assert app_folder(None) == installed.resolve()


def test_a_named_folder_wins(installed: Path, tmp_path: Path) -> None:
    (installed / "function_app.py").touch()
    other = tmp_path / "other"
    other.mkdir()
    (other / "function_app.py").touch()

    assert app_folder(other) == other.resolve()


def test_without_an_app_the_option_is_named(installed: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"no function_app.py in .*current.*--app DIR"):
        app_folder(None)
    with pytest.raises(CannotStart, match=r"no function_app.py in .*nowhere"):
        app_folder(tmp_path / "nowhere")


def test_the_app_s_own_documentation_is_the_default(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="--docs DIR"):
        default_documents(tmp_path)

    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").touch()
    assert default_documents(tmp_path) == (tmp_path / "README.md", tmp_path / "docs")
