"""The command `loopback functions`."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from watchfiles import Change

from loopback.functions.watching import CodeFilter
from loopback.serving import free_port
from tests.functions.commands import COMMAND, Running, outcome, running
from tests.functions.polling import eventually
from tests.functions.triggers_host import Notes

CODE = """
import asyncio, json, logging, os
from pathlib import Path
import azure.durable_functions as df
import azure.functions as func

VERSION = "one"
own = logging.getLogger("own")
own.setLevel(logging.INFO)
app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

@app.route(route="greeting/{name?}", methods=["GET", "POST"])
async def greeting(req: func.HttpRequest) -> str:
    logging.info("an information")
    own.info("an information")
    logging.warning("a warning")
    return f"{os.environ.get('GREETING')} {os.environ.get('NUMBER')} {VERSION}"

@app.route(route="request", methods=["POST"])
async def request(req: func.HttpRequest) -> str:
    return await work("request", req.get_json())

@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer")
def yearly(timer: func.TimerRequest) -> None: ...

@app.queue_trigger(arg_name="message", queue_name="jobs", connection="c")
async def job(message: func.QueueMessage) -> None:
    await work("job", message.get_body().decode())

async def work(function: str, folder: str) -> str:
    with Path(folder, "notes").open("a") as file:
        file.write(json.dumps({"function": function}) + "\\n")
    while not Path(folder, "release").exists():
        await asyncio.sleep(0.01)
    return VERSION

@app.activity_trigger(input_name="folder")
async def activity(folder: str) -> str:
    return await work("activity", folder)

@app.orchestration_trigger(context_name="context")
def works(context):
    return (yield context.call_activity("activity", context.get_input()["folder"]))

@app.orchestration_trigger(context_name="context")
def waits(context):
    context.set_custom_status("waiting")
    word = yield context.wait_for_external_event("Word")
    return [word, VERSION]
"""
POSIX = pytest.mark.skipif(os.name == "nt", reason="no SIGINT to a child on Windows")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    (folder / "function_app.py").write_text(CODE, encoding="utf-8")
    return folder


def test_help_names_every_option() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603

    for option in ("--app", "--port", "--data", "--reset", "--auth", "--verbose", "--watch", "--home"):
        assert option in done.stdout


def test_the_functions_are_listed_with_their_urls(app: Path, tmp_path: Path) -> None:
    port = free_port()
    with running(app, tmp_path / "data", "--port", str(port)) as process:
        assert process.host.url == f"http://127.0.0.1:{port}"
        lines = [line.strip() for line in process.text.splitlines()]

    assert f"greeting: [GET,POST] http://127.0.0.1:{port}/api/greeting/{{name?}}" in lines
    assert {"works: orchestrationTrigger", "activity: activityTrigger"} <= set(lines)
    assert {"yearly: timerTrigger 0 0 0 1 1 *", "job: queueTrigger jobs"} <= set(lines)
    assert "Access keys" not in process.text


def test_the_urls_have_the_port_that_was_free(app: Path, tmp_path: Path) -> None:
    with running(app, tmp_path / "data") as process:
        assert f"{process.host.url}/api/greeting" in process.text


def test_local_settings_reach_the_app_and_the_environment_wins(app: Path, tmp_path: Path) -> None:
    values = '{"Values": {"GREETING": "from the file", "NUMBER": 5}}'
    (app / "local.settings.json").write_text(values, encoding="utf-8-sig")
    with running(app, tmp_path / "data") as process:
        assert process.host.call("GET", "/api/greeting").content == b"from the file 5 one"
    with running(app, tmp_path / "data", settings={"GREETING": "from the shell"}) as process:
        assert process.host.call("GET", "/api/greeting").content == b"from the shell 5 one"


def test_verbose_shows_the_apps_own_logs(app: Path, tmp_path: Path) -> None:
    for options in ((), ("--verbose",)):
        with running(app, tmp_path / "data", *options) as process:
            process.host.call("GET", "/api/greeting")
            assert "a warning" in process.text
            assert ("an information" in process.text) is bool(options)


def test_reset_forgets_runs_and_nothing_else(app: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(app, data, "--auth") as process:
        assert f"Access keys: {data / 'keys.json'}" in process.text
        assert process.host.call("GET", "/api/greeting").status == 401
        keys = (data / "keys.json").read_text(encoding="utf-8")
    with running(app, data) as process:
        run = process.host.start("waits")
    (data / "blobs").mkdir()
    (data / "blobs" / "mine").touch()
    with running(app, data) as process:
        assert process.host.status(run)["runtimeStatus"] in ("Pending", "Running")
    with running(app, data, "--reset") as process:
        assert process.host.call("GET", f"/runtime/webhooks/durabletask/instances/{run}").status == 404

    assert (data / "keys.json").read_text(encoding="utf-8") == keys
    assert (data / "blobs" / "mine").exists()


@pytest.mark.parametrize("path", ["/api/greeting", "/api/a%20b?c=d#e"])
def test_the_root_redirects_to_the_home(app: Path, tmp_path: Path, path: str) -> None:
    with running(app, tmp_path / "data", "--home", path) as process:
        connection = http.client.HTTPConnection(process.host.url.removeprefix("http://"), timeout=20)
        answers = [status_and_location(connection, method) for method in ("GET", "HEAD", "POST")]
        connection.close()

    assert answers == [(302, path), (302, path), (404, None)]


def test_without_a_home_the_root_belongs_to_the_app(app: Path, tmp_path: Path) -> None:
    with running(app, tmp_path / "data") as process:
        assert process.host.call("GET", "/").status == 404


def status_and_location(connection: http.client.HTTPConnection, method: str) -> tuple[int, str | None]:
    connection.request(method, "/")
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.getheader("Location")


@pytest.mark.parametrize("path", ["", "api/console", "//example.com/x", "http://example.com"])
def test_a_home_that_is_no_path_is_refused(app: Path, path: str) -> None:
    status, line = outcome("--app", app, "--home", path)

    assert status == 2
    assert line == f"functions host: --home must be a path of the app that begins with one /, not {path!r}"


@POSIX
@pytest.mark.parametrize(
    ("function", "stop"),
    [("activity", signal.SIGINT), ("activity", signal.SIGTERM), ("job", signal.SIGINT), ("request", signal.SIGINT)],
)
def test_running_functions_end_before_the_host_does(
    app: Path, tmp_path: Path, function: str, stop: signal.Signals
) -> None:
    notes, answers = Notes(tmp_path / "notes"), list[bytes]()
    with running(app, tmp_path / "data") as process:
        host = process.host
        caller = threading.Thread(
            target=lambda: answers.append(host.call("POST", "/api/request", str(tmp_path)).content)
        )
        if function == "activity":
            run = host.start("works", {"folder": str(tmp_path)})
        elif function == "job":
            host.call("POST", "/admin/functions/job", {"input": str(tmp_path)})
        else:
            caller.start()
        notes.wait(function)
        process.process.send_signal(stop)
        eventually(lambda: _has_stopped(process), lambda: process.text)
        assert process.process.poll() is None, "the host waits for the function"
        (tmp_path / "release").touch()
        assert process.process.wait(5) == 0
    if function == "request":
        caller.join(5)
        assert answers == [b"one"]
    with running(app, tmp_path / "data") as process:
        host = process.host
        if function == "activity":
            assert host.wait(run)["output"] == "one"
        assert host.call("GET", "/admin/host/poison").json == []

    assert len(notes.of(function)) == 1, "it did not run again"


def _has_stopped(process: Running) -> bool:
    try:
        process.host.call("GET", "/admin/host/status")
    except OSError:
        return True
    return False


@POSIX
def test_watch_restarts_the_host_and_open_runs_go_on_with_the_new_code(app: Path, tmp_path: Path) -> None:
    code = app / "function_app.py"
    with running(app, tmp_path / "data", "--watch") as process:
        run = process.host.start("waits")
        process.host.wait_for_custom_status(run, "waiting")

        code.write_text(CODE + "\ndef broken(:\n", encoding="utf-8")
        process.wait_for("SyntaxError")
        code.write_text(CODE.replace('"one"', '"two"'), encoding="utf-8")
        process.wait_for("listening on", 2)

        assert process.host.raise_event(run, "Word", "late") == 202
        assert process.host.wait(run)["output"] == ["late", "two"]
        assert process.host.call("GET", "/api/greeting").content == b"None None two"
        (app / "local.settings.json").write_text('{"Values": {"GREETING": "hello"}}', encoding="utf-8")
        process.wait_for("listening on", 3)
        assert process.host.call("GET", "/api/greeting").content == b"hello None two"
        assert process.interrupt() == 0
        assert _has_stopped(process)


@pytest.mark.parametrize(
    ("path", "is_code"),
    [
        ("function_app.py", True),
        ("services/part.py", True),
        ("host.json", True),
        ("local.settings.json", True),
        ("notes.txt", False),
        (".loopback/functions/blobs/scripts/uploaded.py", False),
        ("__pycache__/function_app.cpython-311.pyc", False),
    ],
)
def test_watch_looks_at_the_apps_code_and_settings(app: Path, path: str, is_code: bool) -> None:
    assert CodeFilter()(Change.modified, str(app / path)) is is_code


def test_watch_of_a_missing_folder_is_refused(tmp_path: Path) -> None:
    status, line = outcome("--app", tmp_path / "missing", "--watch")

    assert status == 2
    assert line.endswith("is no function app: it has no host.json")
    assert len(line.splitlines()) == 1


HOSTS_IN_TURN = """
import sys
from pathlib import Path
from loopback.functions.testing import run_host
for turn in "ab":
    with run_host(Path(sys.argv[1]), Path(sys.argv[2], turn)) as host:
        print(host.call("POST", "/api/start_and_wait/chain", {"count": 1}).status, end=" ")
"""


def test_the_sdks_client_works_in_one_test_host_after_the_other(tmp_path: Path) -> None:
    basic = Path(__file__).parent / "apps" / "basic"
    command = [sys.executable, "-c", HOSTS_IN_TURN, str(basic), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603

    assert done.stdout.split() == ["200", "200"]
