"""Token counts of the o200k models; the tables ship in the package bpe-openai, so nothing is downloaded."""

import threading
from functools import cache
from typing import Any


@cache
def _encoding() -> Any:
    # Imported here, because the tables take half a second to load: a server that starts need not wait for them.
    import bpe_openai

    return bpe_openai.get_encoding("o200k_base")


def load_in_background() -> None:
    """Load the tables in a thread, so that the first request need not."""
    threading.Thread(target=_encoding, daemon=True).start()


def count_tokens(text: str) -> int:
    return len(_encoding().encode(text))
