"""The command `mur`: it finds documents, reports a mistake in one line, and prints JSON alone on stdout."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopback.serving import CannotStart, free_port
from murmuration.cli.cloud import Ports, check_ports
from murmuration.cli.commands import MARK
from murmuration.cli.demo import DEFAULT_GOAL, data_folder, goals_of
from murmuration.cli.documents import MAX_BATCH_DOCUMENTS, batches, find_documents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    (docs / "deep" / "node_modules").mkdir(parents=True)
    (docs / ".git").mkdir()
    (docs / "a.md").write_text("# Tea\n\nGreen tea needs water of 80 degrees.", encoding="utf-8")
    (docs / "deep" / "b.RST").write_text("Black tea needs boiling water.", encoding="utf-8")
    (docs / "deep" / "c.rst.txt").write_text("\ufeffMate is drunk cold.", encoding="utf-8")
    (docs / "picture.png").write_bytes(b"\x89PNG")
    (docs / "latin.txt").write_bytes("Käse".encode("latin-1"))
    (docs / "null.txt").write_bytes(b"a\0b")
    (docs / "big.txt").write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    (docs / ".git" / "hidden.md").write_text("hidden", encoding="utf-8")
    (docs / "deep" / "node_modules" / "theirs.md").write_text("theirs", encoding="utf-8")
    return docs


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "murmuration.cli", *arguments]
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environment}
    )


def free_ports() -> list[str]:
    """Return the options of `mur up` with free ports."""
    return [text for name in ("--port", "--search-port", "--model-port") for text in (name, str(free_port()))]


def test_without_its_extra_mur_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['loopback'] = None; from murmuration.cli.__main__ import main; sys.exit(main())"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603

    assert (done.returncode, done.stderr) == (2, "mur: loopback is not installed: pip install 'murmuration[cli]'\n")


def test_documents_are_found_and_other_files_counted(folder: Path) -> None:
    found = find_documents([folder])

    assert [document["source"] for document in found.documents] == ["a.md", "deep/b.RST", "deep/c.rst.txt"]
    assert found.documents[2]["content"] == "Mate is drunk cold."
    assert dict(found.skipped) == {".png": 1}
    assert found.unreadable == (("big.txt", "over 4 MiB"), ("latin.txt", "not UTF-8 text"), ("null.txt", "not text"))


def test_documents_are_sent_in_batches_of_limited_size(folder: Path) -> None:
    small = [{"source": str(number), "content": "x"} for number in range(MAX_BATCH_DOCUMENTS + 1)]
    large = [{"source": str(number), "content": "é" * 1_000_000} for number in range(3)]

    assert [len(batch) for batch in batches(small)] == [MAX_BATCH_DOCUMENTS, 1]
    assert [len(batch) for batch in batches(large)] == [1, 1, 1]


def test_other_documents_have_another_data_folder(tmp_path: Path) -> None:
    assert data_folder(tmp_path, [Path("a")]) != data_folder(tmp_path, [Path("b")])
    assert data_folder(tmp_path, [Path("a"), Path("b")]) == data_folder(tmp_path, [Path("b"), Path("a")])


def test_goals_come_from_a_file_or_an_argument(tmp_path: Path) -> None:
    file = tmp_path / "goals"
    file.write_text("one?\n\n  two?  \n", encoding="utf-8")

    assert goals_of(None, file) == ("one?", "two?")
    assert goals_of("three?", None) == ("three?",)
    assert goals_of(None, None) == (DEFAULT_GOAL,)
    for goal in (" ", "x" * 8_001):
        with pytest.raises(CannotStart, match="a goal has 1 to 8000 characters"):
            goals_of(goal, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--docs", "nowhere"], "the documents 'nowhere' do not exist"),
        (["--docs", "{tmp}/empty"], "holds no readable document"),
        (["--docs", "{tmp}", "--goals", "{tmp}/none", "--json"], "can't be read"),
        (["--docs", "{tmp}", "--goals", "{tmp}/blank", "--json"], "holds no goal"),
        (["--docs", "{tmp}", "--goals", "{tmp}/blank"], "--goals needs --json"),
        (["--docs", "{tmp}", "--goal", "a", "--goals", "b"], "not allowed with argument"),
        (["--docs", "{tmp}", "--goal", " "], "a goal has 1 to 8000 characters"),
        (["--docs", "{tmp}", "--data", "{tmp}/file/x"], "cannot write to the data folder"),
        (["--app", "{tmp}"], "there is no function_app.py in"),
    ],
)
def test_a_mistake_is_reported_in_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank").write_text("\n", encoding="utf-8")
    (tmp_path / "file").write_text("x", encoding="utf-8")

    done = run("demo", *(argument.format(tmp=tmp_path) for argument in arguments))

    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield int(taken.getsockname()[1])


@pytest.mark.parametrize("option", ["--port", "--search-port", "--model-port"])
def test_with_a_port_in_use_nothing_is_touched(tmp_path: Path, taken_port: int, option: str) -> None:
    ports = {name: free_port() for name in ("--port", "--search-port", "--model-port")} | {option: taken_port}
    state = tmp_path / "functions.db"
    state.touch()
    (tmp_path / MARK).touch()

    arguments = [str(argument) for pair in ports.items() for argument in pair]
    done = run("up", "--data", str(tmp_path), "--reset", *arguments)

    assert done.returncode == 2
    assert done.stderr == f"mur: port {taken_port} is in use: choose another with {option}\n"
    assert state.exists()


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_number_that_is_no_port_is_refused(port: str) -> None:
    done = run("up", "--port", port)

    assert done.returncode == 2
    assert f"{port!r} is not a port from 0 to 65535" in done.stderr


def test_a_server_of_ones_own_may_have_the_default_port(taken_port: int) -> None:
    check_ports(Ports(model=taken_port), {"MODEL_BASE_URL"})
    with pytest.raises(CannotStart, match=f"port {taken_port} is in use"):
        check_ports(Ports(model=taken_port), {})


def test_a_folder_that_is_not_ours_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")

    done = run("up", "--data", str(tmp_path), "--reset", *free_ports())

    assert (done.returncode, "was not made by this command" in done.stderr) == (2, True)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("EMBEDDING_DIMENSIONS", "many", "setting EMBEDDING_DIMENSIONS is 'many'"),
        ("MODEL_BASE_URL", "http://127.0.0.1:9/v1/", "setting MODEL_STANDARD is missing"),
    ],
)
def test_a_wrong_setting_is_named_at_start(tmp_path: Path, setting: str, value: str, message: str) -> None:
    done = run("up", "--data", str(tmp_path), *free_ports(), **{setting: value})

    assert done.returncode == 2
    assert message in done.stderr


def test_each_goal_of_a_file_gives_one_line_of_json(folder: Path, tmp_path: Path) -> None:
    goals = tmp_path / "goals.txt"
    goals.write_text("How hot is the water for green tea?\nWhat does black tea need?\n", encoding="utf-8")

    done = run("demo", "--docs", str(folder), "--goals", str(goals), "--json", "--data", str(tmp_path / "data"))

    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [outcome["goal"] for outcome in outcomes] == goals.read_text(encoding="utf-8").splitlines()
    assert [outcome["citations"][0]["source"] for outcome in outcomes] == ["a.md", "deep/b.RST"]
    assert "skipped 1 files of other kinds (1 .png)" in done.stderr
    assert "not read: latin.txt: not UTF-8 text" in done.stderr


def test_a_goal_in_the_environment_arrives_as_typed(folder: Path, tmp_path: Path) -> None:
    goal = """Is "green" tea $HOT, isn't it?"""

    done = run("demo", "--data", str(tmp_path / "data"), DOCS=str(folder), GOAL=goal, MODEL_STANDRAD="m")

    assert done.returncode == 0, done.stderr
    assert goal in done.stdout
    assert "[1] a.md" in done.stdout
    assert "stage: " in done.stdout, "without a terminal, changes are lines"
    assert "mur: MODEL_STANDRAD is no setting; did you mean MODEL_STANDARD?" in done.stderr.splitlines()


def test_a_deleted_document_is_forgotten_and_an_unreadable_one_is_not(folder: Path, tmp_path: Path) -> None:
    def demo() -> subprocess.CompletedProcess[str]:
        arguments = ["--docs", str(folder), "--goal", "How hot is green tea?", "--data", str(tmp_path / "data")]
        return run("demo", *arguments)

    assert "forgotten" not in demo().stdout
    (folder / "deep" / "c.rst.txt").unlink()
    (folder / "a.md").write_bytes("Käse".encode("latin-1"))

    second = demo()

    assert second.returncode == 0, second.stderr
    assert "1 document is gone and forgotten" in second.stdout
    assert "[1] a.md" in second.stdout
