"""Has a bug whose text quotes its input."""

from murmuration.contracts.background import Cancelled, UnderWay


async def break_down(request: UnderWay) -> Cancelled:
    raise ValueError(f"cannot handle {request.token}")
