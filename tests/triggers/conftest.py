"""The app on search and model servers on loopback; Durable is held in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from murmuration.services.clients import Clients
from murmuration.services.current import current_clients, current_settings
from murmuration.services.search.catalog import list_agents
from murmuration.services.search.migration import migrate
from tests.services_on_loopback import Servers, servers
from tests.triggers.api import Api, DurableRuns
from triggers.admission import _own

SECRET = "a secret of these tests, 32 characters"  # noqa: S105


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Both servers, with the indexes made and the agents in the catalog."""
    with servers(tmp_path_factory.mktemp("services")) as started:
        migrate(started.settings())
        asyncio.run(list_agents(started.settings()))
        yield started


@pytest.fixture
def environment(services: Servers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """The app's settings in the environment, which a test may change before its first request."""
    own = {"APPROVAL_SECRET": SECRET, "ARTIFACTS_URL": (tmp_path / "artifacts").as_uri()}
    for name, value in {**services.setting_values(), **own}.items():
        monkeypatch.setenv(name, value)
    caches = (current_settings, current_clients, _own)
    for cached in caches:
        cached.cache_clear()
    yield monkeypatch
    for cached in caches:
        cached.cache_clear()


@pytest.fixture
async def clients(environment: pytest.MonkeyPatch) -> AsyncIterator[Clients]:
    """The clients that the app uses."""
    yield current_clients()
    await current_clients().close()


@pytest.fixture
def durable() -> DurableRuns:
    return DurableRuns()


@pytest.fixture
async def api(environment: pytest.MonkeyPatch, durable: DurableRuns) -> AsyncIterator[Api]:
    yield Api(durable)
    if current_clients.cache_info().currsize:
        await current_clients().close()
