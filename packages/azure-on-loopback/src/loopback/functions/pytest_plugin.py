"""The fixture `durable_host`; switch it on with `-p loopback.functions.pytest_plugin`.

def test_my_app(durable_host):
    host = durable_host("examples/apps/chaining")
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from loopback.functions.testing import DurableHost, run_host

StartHost = Callable[[str | Path], DurableHost]


@pytest.fixture
def durable_host(tmp_path: Path) -> Iterator[StartHost]:
    """Starts a host for the app of a folder; it stops when the test ends."""
    with ExitStack() as running:

        def start(app: str | Path) -> DurableHost:
            return running.enter_context(run_host(Path(app), tmp_path / "durable_host"))

        yield start
