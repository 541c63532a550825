import asyncio
from collections.abc import Iterator

import pytest
from azure.durable_functions.models.utils import http_utils

from local.functions_host.testing import DurableHost, run_host
from tests.functions_host.semantics import SEMANTICS


@pytest.fixture(scope="module", autouse=True)
def _own_session_of_the_client() -> None:
    """The SDK keeps one HTTP session per process, bound to the loop of the first host that used it."""
    stale = http_utils._client_session
    if stale is not None and stale.connector is not None:
        stale.connector._conns.clear()  # the loop they were on is closed
        stale.detach()
    http_utils._client_session = None
    http_utils._session_lock = asyncio.Lock()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableHost]:
    """Serves `apps/semantics` to the tests of a module. Its clock only ever moves on."""
    with run_host(SEMANTICS, tmp_path_factory.mktemp("semantics")) as running:
        yield running
