"""The package alone: installed into an empty environment, it runs somebody's app, and nothing else of this repository.

Installing takes a dozen seconds and needs the package registry; `-m "not registry"` leaves these tests out.
"""

import json
import os
import re
import shutil
import subprocess
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from loopback import __version__
from loopback.serving import STDIN_WATCH

pytestmark = pytest.mark.registry
PACKAGE = Path(__file__).resolve().parents[1]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
FUNCTION_APP = """
import json
import os
from importlib.util import find_spec
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

import agents
import cli
import local
import services
from activities.greet import greeting

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
NEIGHBOURS = ("murmuration", "orchestrators", "triggers", "tests", "scripts", "benchmarks", "simulation")


@app.route(route="surroundings")
def surroundings(req: func.HttpRequest) -> str:
    return json.dumps(
        {
            "own": [package.OWNER for package in (agents, cli, local, services)],
            "words": Path("words.txt").read_text(encoding="utf-8"),
            "folder": os.getcwd(),
            "importable": [
                folder
                for name in NEIGHBOURS
                if (spec := find_spec(name))
                for folder in spec.submodule_search_locations
            ],
        }
    )


@app.activity_trigger(input_name="name")
def greet(name: str) -> str:
    return greeting(name)


@app.orchestration_trigger(context_name="context")
def greet_everybody(context: df.DurableOrchestrationContext):
    return (yield context.task_all([context.call_activity("greet", name) for name in context.get_input()["names"]]))
"""
FILES = {
    "host.json": '{"version": "2.0"}',
    "function_app.py": FUNCTION_APP,
    "words.txt": "read by a relative path",
    "activities/__init__.py": "",
    "activities/greet.py": 'def greeting(name: str) -> str:\n    return f"Hello {name}!"\n',
    **{f"{name}/__init__.py": f'OWNER = "somebody\'s {name}"\n' for name in ("agents", "cli", "local", "services")},
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty environment with the package, pytest and nothing else; returns its folder of commands."""
    folder = tmp_path_factory.mktemp("standalone")
    # Installed from a copy, because setuptools leaves build/ and *.egg-info in the folder it builds.
    ignored = shutil.ignore_patterns("tests", "build", "*.egg-info", "__pycache__", ".*")
    source = shutil.copytree(PACKAGE, folder / "azure-on-loopback", ignore=ignored)
    venv.create(folder / "venv", with_pip=True)
    commands = folder / "venv" / SCRIPTS
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(source), "pytest"]
    subprocess.run([commands / "python", *install], check=True, cwd=folder, env=_clean_environment())  # noqa: S603
    return commands


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Write the app of somebody who has packages of their own."""
    folder = tmp_path / "somebodys_app"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def _clean_environment() -> dict[str, str]:
    """Return the environment without what would lead back to this repository."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def _is_in(path: str, folder: Path) -> bool:
    return Path(path).resolve().is_relative_to(folder.resolve())


@contextmanager
def serving(environment: Path, folder: Path, *arguments: str) -> Iterator[str]:
    """Run a `loopback` command in `folder`; yields the server's URL."""
    log = folder / "server.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603
            [environment / "loopback", *arguments, "--port", "0"],
            cwd=folder,
            env={**_clean_environment(), STDIN_WATCH: "1"},
            stdin=subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield _url(process, log)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        status = process.wait(timeout=20)
    assert status == 0, log.read_text(encoding="utf-8")


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        if announced := re.search(r"listening on (http://\S+)", log.read_text(encoding="utf-8")):
            return announced[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))


def call(url: str, body: Any = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    try:
        with urlopen(Request(url, data, sent), timeout=20) as answer:  # noqa: S310
            return json.load(answer)
    except HTTPError as error:
        with error:
            raise AssertionError(f"{url}: {error.code} {error.read().decode()}") from error


def test_somebodys_app_runs_with_its_own_packages_in_its_own_folder(
    environment: Path, app: Path, tmp_path: Path
) -> None:
    with serving(environment, tmp_path, "functions", "--app", str(app)) as url:
        surroundings = call(f"{url}/api/surroundings")
        started = call(f"{url}/runtime/webhooks/durabletask/orchestrators/greet_everybody", {"names": ["Ada", "Bob"]})
        status = call(started["statusQueryGetUri"])
        while status["runtimeStatus"] in ("Pending", "Running"):
            time.sleep(0.05)
            status = call(started["statusQueryGetUri"])

    # Inside the environment is fine: azure-functions-durable installs a package `tests`.
    from_elsewhere = [path for path in surroundings.pop("importable") if not _is_in(path, environment.parent)]
    assert from_elsewhere == []
    assert surroundings == {
        "own": ["somebody's agents", "somebody's cli", "somebody's local", "somebody's services"],
        "words": "read by a relative path",
        "folder": str(app.resolve()),
    }
    assert (status["runtimeStatus"], status["output"]) == ("Completed", ["Hello Ada!", "Hello Bob!"])


def test_the_search_service_runs(environment: Path, tmp_path: Path) -> None:
    fields = [{"name": "id", "type": "Edm.String", "key": True}, {"name": "text", "type": "Edm.String"}]

    with serving(environment, tmp_path, "search", "--key", "secret") as url:
        call(f"{url}/indexes", {"name": "notes", "fields": fields}, api_key="secret")
        call(f"{url}/indexes/notes/docs/index", {"value": [{"id": "1", "text": "green tea"}]}, api_key="secret")
        rows = call(f"{url}/indexes/notes/docs/search", {"search": "tea"}, api_key="secret")["value"]

    assert [row["id"] for row in rows] == ["1"]
    assert (tmp_path / ".loopback" / "search" / "search.db").is_file()


def test_the_model_service_runs_with_somebodys_skills(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "own_skills.py").write_text("SKILLS = {'echo': lambda question: {'said': question['say']}}")
    request = {
        "model": "any",
        "input": '{"say": "tea"}',
        "text": {"format": {"type": "json_schema", "name": "echo", "schema": {"type": "object"}}},
    }

    with serving(environment, tmp_path, "model", "--skills", "own_skills") as url:
        response = call(f"{url}/v1/responses", request)
        vectors = call(f"{url}/v1/embeddings", {"model": "local-hash", "input": ["tea"], "dimensions": 8})["data"]

    assert json.loads(response["output"][0]["content"][0]["text"]) == {"said": "tea"}
    assert response["usage"]["output_tokens"] > 0
    assert len(vectors[0]["embedding"]) == 8


def test_the_readme_s_test_passes_with_the_plugin_that_pytest_finds_by_itself(
    environment: Path, app: Path, tmp_path: Path
) -> None:
    readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
    shutil.copytree(PACKAGE / "examples" / "human_interaction", tmp_path / "my_app")
    example = next(block for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "def test_" in block)
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")

    done = subprocess.run(  # noqa: S603
        [environment / "python", "-m", "pytest", "-q", "test_example.py"],
        cwd=tmp_path,
        env=_clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_command_and_the_module_are_the_same(environment: Path, tmp_path: Path) -> None:
    for command in ([environment / "loopback"], [environment / "python", "-m", "loopback"]):
        done = subprocess.run(  # noqa: S603
            [*command, "--version"], cwd=tmp_path, env=_clean_environment(), capture_output=True, text=True, check=True
        )
        assert done.stdout == f"loopback {__version__}\n"
