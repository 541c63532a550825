from collections.abc import Iterator

import pytest

from loopback.functions.testing import DurableHost, run_host
from tests.functions.semantics import SEMANTICS


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableHost]:
    """Serve `apps/semantics` to the tests of a module. Its clock only ever moves on."""
    with run_host(SEMANTICS, tmp_path_factory.mktemp("semantics")) as running:
        yield running
