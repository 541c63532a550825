"""An app loads as it does alone: its own modules, its own folder, and nothing of where the host was started."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tests
from loopback.functions.testing import run_host
from tests.functions.commands import COMMAND, outcome, running

OWN_PACKAGES = ("activities", "agents", "cli", "local", "loopback", "services", "tests")
REPOSITORY = Path(__file__).resolve().parents[4]
SCRIPT = shutil.which("loopback", path=str(Path(sys.executable).parent))
CODE = """
import json, os, sys
from importlib.util import find_spec
from pathlib import Path
import azure.functions as func
import azure.durable_functions as df
import {packages}

WHEN_LOADED = Path("config/params.json").read_text()
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="report")
def report(req: func.HttpRequest) -> str:
    import late_part
    return json.dumps({{
        "values": [module.VALUE for module in ({packages},)],
        "late": late_part.VALUE,
        "params": [WHEN_LOADED, Path("config/params.json").read_text()],
        "folder": os.getcwd(),
        "path": sys.path,
        "found_in": {{
            name: list(spec.submodule_search_locations)
            for name in req.params.get("names", "").split(",")
            if name and (spec := find_spec(name))
        }},
        "setting": os.environ.get("OWN_SETTING"),
    }})
"""


def write_package(folder: Path, name: str, value: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(f"VALUE = {value!r}\n", encoding="utf-8")


def write_app(folder: Path, packages: tuple[str, ...]) -> Path:
    for name in packages:
        write_package(folder, name, f"{name} of the app")
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "params.json").write_text("params", encoding="utf-8")
    (folder / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    (folder / "local.settings.json").write_text('{"Values": {"OWN_SETTING": "of the app"}}', encoding="utf-8")
    (folder / "late_part.py").write_text("VALUE = 'late'\n", encoding="utf-8")
    (folder / "function_app.py").write_text(CODE.format(packages=", ".join(packages)), encoding="utf-8")
    return folder.resolve()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", OWN_PACKAGES)


@pytest.fixture
def start_folder(tmp_path: Path) -> Path:
    """Make a folder to start the host from. It has packages of the same names, and one that nobody else has."""
    folder = tmp_path / "start"
    for name in (*OWN_PACKAGES, "stranger"):
        if name != "loopback":  # `python -m loopback` would run that one
            write_package(folder, name, f"{name} of the start folder")
    trace = folder / "agents_were_imported"
    (folder / "agents" / "__init__.py").write_text(f"open({str(trace)!r}, 'w').close()\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", [COMMAND, [SCRIPT, "functions"]], ids=["module", "script"])
def test_an_app_has_its_own_modules_and_none_of_the_start_folder(
    app: Path, start_folder: Path, tmp_path: Path, command: list[str | None]
) -> None:
    if None in command:
        pytest.skip("the command is not installed")
    persons_folder = tmp_path / "persons"
    write_package(persons_folder, "of_the_person", "")
    paths = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(persons_folder))))
    with running(
        app,
        tmp_path / "data",
        command=[str(part) for part in command],
        start_folder=start_folder,
        settings={"PYTHONPATH": paths},
    ) as process:
        report = process.host.call("GET", "/api/report?names=stranger,of_the_person").json

    assert report["values"] == [f"{name} of the app" for name in OWN_PACKAGES]
    assert report["found_in"].keys() == {"of_the_person"}
    assert (report["folder"], report["path"][0]) == (str(app), str(app))
    others = {start_folder.resolve(), Path(sys.executable).parent.resolve()}
    assert not others & {Path(entry).resolve() for entry in report["path"]}
    assert (report["params"], report["late"], report["setting"]) == (["params", "params"], "late", "of the app")
    assert not (start_folder / "agents_were_imported").exists(), "the SDK has imported them"


def test_nothing_of_this_repository_is_importable_to_an_app(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", ("services",))
    folders = {path.parent for path in REPOSITORY.glob("*/*.py")}
    names = ",".join(folder.name for folder in folders)
    with running(app, tmp_path / "data", start_folder=REPOSITORY) as process:
        report = process.host.call("GET", f"/api/report?names={names}").json

    assert folders
    assert not folders & {Path(path) for paths in report["found_in"].values() for path in paths}


def test_an_app_can_be_started_from_its_own_folder(app: Path, tmp_path: Path) -> None:
    shutil.rmtree(app / "loopback")  # `python -m loopback` would run it
    code = CODE.format(packages=", ".join(name for name in OWN_PACKAGES if name != "loopback"))
    (app / "function_app.py").write_text(code, encoding="utf-8")
    with running(Path(), tmp_path / "data", start_folder=app) as process:
        report = process.host.call("GET", "/api/report").json

    assert (report["folder"], report["path"].count(str(app))) == (str(app), 1)


def test_a_package_agents_of_the_app_comes_before_an_installed_one(app: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    write_package(installed, "agents", "agents as installed")
    paths = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(installed))))
    with running(app, tmp_path / "data", settings={"PYTHONPATH": paths}) as process:
        assert "agents of the app" in process.host.call("GET", "/api/report").json["values"]


def test_a_folder_agents_without_a_package_does_not_hide_an_installed_one(tmp_path: Path) -> None:
    app, installed = write_app(tmp_path / "app", ("agents",)), tmp_path / "installed"
    (app / "agents" / "__init__.py").unlink()
    (app / "agents" / "writer.md").touch()
    write_package(installed, "agents", "agents as installed")
    paths = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(installed))))
    with running(app, tmp_path / "data", settings={"PYTHONPATH": paths}) as process:
        assert process.host.call("GET", "/api/report").json["values"] == ["agents as installed"]


def test_paths_of_the_command_line_begin_where_it_was_started(app: Path, tmp_path: Path) -> None:
    with running(Path("app"), tmp_path / "log", "--data", "state", start_folder=tmp_path) as process:
        assert process.host.call("GET", "/api/report").json["folder"] == str(app)

    assert (tmp_path / "state" / "functions.db").exists()


def test_runs_are_kept_in_the_app_unless_the_command_names_a_folder(app: Path) -> None:
    (app / "function_app.py").write_text("import sys\nsys.exit('not now')\n", encoding="utf-8")
    assert outcome("--app", app)[0] == 2
    assert not (app / ".loopback").exists(), "an app that can't be loaded is left as it is"

    (app / "function_app.py").write_text(
        "import azure.functions as func\napp = func.FunctionApp()\n"
        "@app.timer_trigger(schedule='odd', arg_name='t')\ndef one(t: func.TimerRequest) -> None: ...\n",
        encoding="utf-8",
    )
    assert outcome("--app", app)[0] == 2
    assert (app / ".loopback" / "functions" / "functions.db").exists()


def process_state() -> tuple[Any, ...]:
    return Path.cwd(), list(sys.path), sys.modules["tests"], os.environ.get("OWN_SETTING")


def test_a_test_host_leaves_the_process_as_it_was(app: Path, tmp_path: Path) -> None:
    before = process_state()
    with run_host(app, tmp_path / "data") as host:
        report = host.call("GET", "/api/report").json
        assert sys.modules["tests"] is not tests

    assert report["values"] == [f"{name} of the app" for name in OWN_PACKAGES]
    assert (report["folder"], report["setting"], report["late"]) == (str(app), "of the app", "late")
    assert process_state() == before
    assert not {"late_part", "services", "function_app"} & sys.modules.keys()


def test_a_test_host_that_cannot_start_leaves_the_process_as_it_was(app: Path, tmp_path: Path) -> None:
    (app / "function_app.py").write_text("import services, tests\n1 / 0\n", encoding="utf-8")
    before = process_state()
    with pytest.raises(Exception, match="ZeroDivisionError"), run_host(app, tmp_path / "data"):
        raise AssertionError("it has started")

    assert process_state() == before
    assert "services" not in sys.modules


def test_test_hosts_one_after_the_other_have_modules_of_their_own(tmp_path: Path) -> None:
    values = []
    for name in ("first", "second"):
        app = write_app(tmp_path / name, ("services",))
        (app / "services" / "__init__.py").write_text(f"VALUE = {name!r}\n", encoding="utf-8")
        with run_host(app, tmp_path / f"{name}_data") as host:
            values += host.call("GET", "/api/report").json["values"]

    assert values == ["first", "second"]


PLUGIN_TEST = """
from pathlib import Path

def test_apps(durable_host):
    for name in ("one", "two"):
        host = durable_host(name)
        assert host.call("GET", "/api/report").json["folder"] == str(Path(__file__).parent / name)
"""


def test_the_fixture_is_there_without_an_option(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_app(tmp_path / name, ("services",))
    (tmp_path / "test_own.py").write_text(PLUGIN_TEST, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_own.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "1 passed" in done.stdout, done.stdout
