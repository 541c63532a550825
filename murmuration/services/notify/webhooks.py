"""Posts JSON to a webhook."""

from collections.abc import Sequence
from typing import Any

import aiohttp

from murmuration.services.errors import GiveUp, RetryLater
from murmuration.services.setting_values import Webhook

TIMEOUT_SECONDS = 15.0
BUSY = (408, 425, 429)


async def post_all(webhook: Webhook, bodies: Sequence[dict[str, Any]]) -> None:
    """Post the bodies one after the other. No error names the URL: it is a secret.

    Raises `RetryLater` when the webhook can't be reached or is busy, after some may have been posted; `GiveUp` when
    it refuses.
    """
    url = webhook.url.get_secret_value()
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)) as session:
            for body in bodies:
                async with session.post(url, json=body, allow_redirects=False) as response:
                    _check(response.status, response.headers.get("Retry-After"))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise RetryLater("webhook_unavailable", f"the webhook can't be reached: {type(error).__name__}") from None


def _check(status: int, retry_after: str | None) -> None:
    if status in BUSY or status >= 500:
        seconds = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
        raise RetryLater("webhook_unavailable", f"the webhook answers {status}", seconds)
    if status >= 300:
        raise GiveUp("webhook_refused", f"the webhook answers {status}")
