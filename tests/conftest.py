"""Shared by all tests."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the worker does."""
    return "asyncio"
