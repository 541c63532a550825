"""The fixture `durable_host`, which is there wherever azure-on-loopback is installed.

def test_my_app(durable_host):
    host = durable_host("examples/chaining")
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from loopback.functions.testing import DurableHost

StartHost = Callable[[str | Path], "DurableHost"]


@pytest.fixture
def durable_host(tmp_path: Path) -> Iterator[StartHost]:
    """Start hosts, each for the app in a folder and with a store of its own; they stop when the test ends.

    Relative paths begin where the test began, though a host that runs has its app's folder as working directory.
    """
    # Every pytest run of the environment loads this plugin: those without the fixture need not wait for the SDK.
    from loopback.functions.testing import run_host

    start_folder, numbers = Path.cwd(), count(1)
    with ExitStack() as running:

        def start(app: str | Path) -> "DurableHost":
            data = tmp_path / "durable_host" / str(next(numbers))
            return running.enter_context(run_host(start_folder / app, data))

        yield start
