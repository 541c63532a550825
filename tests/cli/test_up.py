"""`mur up` with an app of its own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.test_command_line import free_ports

APP = """
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""


def test_up_runs_an_app_of_another_kind_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(APP, encoding="utf-8")
    (tmp_path / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    ports = free_ports()
    command = [sys.executable, "-m", "murmuration.cli", "up", "--app", str(tmp_path), *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
        finally:
            process.terminate()

    assert first == f"Your app is up at http://127.0.0.1:{ports[1]}.\n"
    assert (tmp_path / ".murmuration" / "up").is_dir(), "its state is beside it"
