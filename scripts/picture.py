"""`python -m scripts.picture`: run the demo and draw its screen as docs/demo.svg."""

import asyncio
import io
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from murmuration.cli.app_folder import app_folder, default_documents
from murmuration.cli.cloud import Ports, cloud
from murmuration.cli.demo import DEFAULT_GOAL
from murmuration.cli.documents import batches, find_documents
from murmuration.cli.screen import run_view, show_outcome
from murmuration.client.app_client import app_client

APP = app_folder(None)
PICTURE = APP / "docs" / "demo.svg"
WIDTH = 108
_FONT_FACE = re.compile(r"@font-face \{.*?\}", re.DOTALL)
"""Remote fonts are left out: the reader's own will do."""


async def record(console: Console) -> None:
    """Run the demo and print its last screen to `console`."""
    with tempfile.TemporaryDirectory() as folder:
        async with cloud(APP, Path(folder), Ports()) as up, app_client(up.app_url) as app:
            for batch in batches(find_documents(default_documents(APP)).documents):
                await app.read(batch)
            began = time.monotonic()
            state: dict[str, Any] = [state async for state in app.watch(await app.start(DEFAULT_GOAL))][-1]
            console.print("$ make demo", style="bold")
            console.print(run_view(state, began))
            show_outcome(console, DEFAULT_GOAL, state["outcome"], time.monotonic() - began)


def main() -> int:
    """Draw the picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    asyncio.run(record(console))
    drawn = console.export_svg(title="murmuration")
    PICTURE.write_text(_FONT_FACE.sub("", drawn), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
