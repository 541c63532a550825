"""Apps that can't be used are refused before anything runs, with the mistake and its place."""

import asyncio
from pathlib import Path

import pytest

from loopback.functions.host import Options, make_app
from loopback.serving import CannotStart
from tests.functions.commands import outcome

HEAD = "import azure.functions as func\napp = func.FunctionApp()\n"
HOST_JSON = '{"version": "2.0"}'
TWICE = """@app.function_name("same")
@app.route(route="a")
def one(req: func.HttpRequest) -> str: return ""
@app.function_name("same")
@app.route(route="b")
def two(req: func.HttpRequest) -> str: return ""
"""
TWICE_BUT_FOR_CASE = TWICE.replace('"same"', '"Same"', 1)
NO_TRIGGER = """@app.function_name("none")
def one(req: func.HttpRequest) -> str: return ""
"""


def refusal(folder: Path, code: str | bytes | None, host_json: str | bytes | None = HOST_JSON) -> str:
    """Return the message with which an app of this code and this host.json is refused."""
    folder.mkdir(exist_ok=True)
    for name, content in (("function_app.py", code), ("host.json", host_json)):
        if content is not None:
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CannotStart) as refused:
        asyncio.run(make_app(folder, Options(folder / "data")))
    text = str(refused.value)
    assert "\n" not in text
    return text


def http(route: str) -> str:
    return f"{HEAD}@app.route(route={route!r})\ndef one(req: func.HttpRequest) -> str: return ''\n"


def timer(schedule: str) -> str:
    return (
        f"{HEAD}@app.timer_trigger(schedule={schedule!r}, arg_name='t')\ndef one(t: func.TimerRequest) -> None: ...\n"
    )


def function(decorator: str, parameters: str) -> str:
    return f"{HEAD}@app.{decorator}\ndef one({parameters}) -> None: ...\n"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (None, "it has no function_app.py"),
        ("x = 1", "must hold one FunctionApp, it holds 0"),
        (f"{HEAD}second = func.FunctionApp()", "must hold one FunctionApp, it holds 2"),
        ("raise ValueError('at import')", "ValueError: at import (line 1 of function_app.py)"),
        ("\n\nimport nothing_of_this_name", "No module named 'nothing_of_this_name' (line 3 of function_app.py)"),
        ("\ndef broken(:\n", "SyntaxError: invalid syntax (function_app.py, line 2)"),
        (HEAD + TWICE, "same does not have a unique function name"),
        (HEAD + TWICE_BUT_FOR_CASE, "two functions are named 'same'"),
        (http("{x"), "function 'one': the route '{x'"),
        (
            http("{x:unknown}"),
            "function 'one': the route '{x:unknown}' can't be used: there is no constraint 'unknown'",
        ),
        (timer("every day"), "function 'one': 'every day' is no schedule such as '0 */5 * * * *'"),
        (timer("0 0 25 * * *"), "function 'one': '0 0 25 * * *' is no schedule"),
        (timer("* * * * * * *"), "function 'one': '* * * * * * *' is no schedule"),
        (timer("%NOT_SET_ANYWHERE%"), "function 'one': '%NOT_SET_ANYWHERE%' names a setting that is not set"),
        (
            function("service_bus_queue_trigger(arg_name='m', queue_name='q', connection='c')", "m"),
            "function 'one': the trigger 'serviceBusTrigger' is not available on this host; use a queueTrigger here",
        ),
        (
            function("event_hub_message_trigger(arg_name='m', event_hub_name='e', connection='c')", "m"),
            "the trigger 'eventHubTrigger' is not available on this host; use an eventGridTrigger here",
        ),
        (
            function("cosmos_db_trigger(arg_name='m', container_name='x', database_name='d', connection='c')", "m"),
            "the trigger 'cosmosDBTrigger' is not available on this host; use an eventGridTrigger here",
        ),
        (function("generic_trigger(arg_name='m', type='oddTrigger')", "m"), "'oddTrigger' is not available"),
        (
            function("queue_output(arg_name='o', queue_name='q', connection='c')\n@app.route()", "req, o"),
            "function 'one': the binding 'queue' is not available on this host; send the message with",
        ),
        (
            function("blob_input(arg_name='o', path='a/b', connection='c')\n@app.route()", "req, o"),
            "the binding 'blob' is not available on this host; read and write blobs with",
        ),
    ],
)
def test_an_app_that_cannot_be_loaded_is_refused(tmp_path: Path, code: str | None, message: str) -> None:
    assert message in refusal(tmp_path / "app", code)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (timer("99:00"), "is no schedule"),
        (timer("00:00:00"), "is no schedule"),
        ("import sys\nsys.exit(3)", "line 2 of function_app.py"),
        (HEAD + NO_TRIGGER, "trigger"),
        (b"\xff\xfe = 1", "function_app.py"),
    ],
)
def test_an_odd_app_is_refused_too(tmp_path: Path, code: str | bytes, message: str) -> None:
    assert message in refusal(tmp_path / "app", code)


@pytest.mark.parametrize(
    "policy",
    [
        "strategy='fixed_delay', max_retry_count='many', delay_interval='00:00:01'",
        "strategy='fixed_delay', max_retry_count='2', delay_interval='soon'",
        "strategy='exponential_backoff', max_retry_count='2', minimum_interval='00:00:01'",
        "strategy='odd', max_retry_count='2', delay_interval='00:00:01'",
    ],
)
def test_a_bad_retry_policy_is_refused(tmp_path: Path, policy: str) -> None:
    code = function(f"retry({policy})\n@app.timer_trigger(schedule='0 0 0 1 1 *', arg_name='t')", "t")

    assert "function 'one'" in refusal(tmp_path / "app", code)


def test_an_error_in_a_module_of_the_app_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "shared_part.py").write_text("\n\nraise LookupError('deep')\n", encoding="utf-8")

    assert "LookupError: deep (line 3 of shared_part.py)" in refusal(tmp_path / "app", "import shared_part")


@pytest.mark.parametrize(
    ("host_json", "message"),
    [
        (None, "is no function app: it has no host.json"),
        ("", "host.json' is not JSON"),
        ("{", "host.json' is not JSON"),
        ("[]", "host.json' holds no JSON object"),
        ('{"functionTimeout": "soon"}', "host.json': functionTimeout: 'soon' is no time span such as '00:05:00'"),
        ('{"functionTimeout": 5}', "functionTimeout: '5' is no time span"),
        ('{"extensions": []}', "host.json'"),
        ('{"extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}', "maxConcurrentActivityFunctions"),
        ('{"extensions": {"durableTask": {"maxConcurrentActivityFunctions": "9"}}}', "not '9'"),
        ('{"extensions": {"durableTask": {"versionMatchStrategy": "Odd"}}}', "None, Strict, CurrentOrOlder, not 'Odd'"),
        (
            '{"extensions": {"durableTask": {"versionFailureStrategy": 1}}}',
            "versionFailureStrategy must be one of",
        ),
        (
            '{"extensions": {"queues": {"maxDequeueCount": 0}}}',
            "maxDequeueCount must be a whole number from 1 on",
        ),
    ],
)
def test_a_bad_host_json_is_refused(tmp_path: Path, host_json: str | None, message: str) -> None:
    assert message in refusal(tmp_path / "app", HEAD, host_json)


@pytest.mark.parametrize(
    ("host_json", "message"),
    [
        (b'\xff{"version": "2.0"}', "host.json"),
        ('{"functionTimeout": "00:00:nan"}', "functionTimeout"),
        ('{"functionTimeout": "-00:00:01"}', "functionTimeout"),
        ('{"functionTimeout": "00:99:00"}', "functionTimeout"),
    ],
)
def test_an_odd_host_json_is_refused_too(tmp_path: Path, host_json: str | bytes, message: str) -> None:
    assert message in refusal(tmp_path / "app", HEAD, host_json)


def test_bad_local_settings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "local.settings.json").write_text("{", encoding="utf-8")

    assert "local.settings.json' is not JSON" in refusal(tmp_path / "app", HEAD)


@pytest.mark.parametrize("content", ['{"Values": []}', '{"Values": null}'])
def test_odd_local_settings_are_refused_too(tmp_path: Path, content: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "local.settings.json").write_text(content, encoding="utf-8")

    assert "local.settings.json" in refusal(tmp_path / "app", HEAD)


@pytest.mark.parametrize(
    ("code", "message"), [(None, "it has no function_app.py"), ("1 / 0", "(line 1 of function_app.py)")]
)
def test_the_command_prints_one_line(tmp_path: Path, code: str | None, message: str) -> None:
    (tmp_path / "host.json").write_text(HOST_JSON, encoding="utf-8")
    if code is not None:
        (tmp_path / "function_app.py").write_text(code, encoding="utf-8")

    status, line = outcome("--app", tmp_path, "--data", tmp_path / "data")

    assert status == 2
    assert message in line
    assert len(line.splitlines()) == 1


def test_a_folder_that_is_no_app_is_named(tmp_path: Path) -> None:
    status, line = outcome("--app", tmp_path)

    assert (status, "it has no host.json" in line, repr(str(tmp_path)) in line) == (2, True, True)
