"""Deployments share the time for a question, in virtual time."""

import asyncio
from typing import Any

import pytest

from murmuration.services.errors import RetryLater
from murmuration.services.model.fallback import Deployment, first_available
from tests.services.virtual_time import VIRTUAL_TIME

pytestmark = pytest.mark.anyio
CLIENT: Any = None
"""The client is the caller's to use: `first_available` only passes it on."""


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return VIRTUAL_TIME


def deployments(*names: str) -> list[Deployment]:
    return [Deployment(name, name, CLIENT) for name in names]


async def test_a_slow_deployment_gives_way_after_its_share_of_the_time() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def ask(deployment: Deployment) -> float:
        await asyncio.sleep(600 if deployment.name == "slow" else 40)
        return loop.time() - began

    deployment, time = await first_available(deployments("slow", "fast"), ask, last_attempt=False, seconds=100)

    assert deployment.name == "fast"
    assert time == pytest.approx(50 + 40)


async def test_time_that_a_deployment_leaves_goes_to_the_next() -> None:
    async def ask(deployment: Deployment) -> str:
        if deployment.name == "down":
            raise RetryLater("model_unavailable", "down")
        await asyncio.sleep(90)
        return "answer"

    _, answer = await first_available(deployments("down", "slow"), ask, last_attempt=False, seconds=100)

    assert answer == "answer"


async def test_without_any_answer_in_time_the_step_is_tried_again() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def ask(_: Deployment) -> None:
        await asyncio.sleep(600)

    with pytest.raises(RetryLater) as raised:
        await first_available(deployments("slow", "slower"), ask, last_attempt=False, seconds=100)

    assert raised.value.code == "model_timeout"
    assert loop.time() - began == pytest.approx(100)
