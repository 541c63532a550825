"""`python -m benchmarks.search_service [--rows N] [--bare-http] [--json]`: the search service through the SDK.

Fills an index of `TENANTS` tenants with chunks of Zipf-distributed words and vectors over HTTP, kills the server with
SIGKILL, starts it again, and asks `QUERIES` questions of each kind, one at a time. Times are of whole calls of the SDK.
Recall is against numpy on the same vectors. Fails if a document is missing after the kill. `--bare-http` writes
documents without the SDK, whose JSON takes most of the time: use it for a million rows.
"""

import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from azure.core.credentials import AzureKeyCredential
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient
from azure.search.documents.models import VectorizedQuery, VectorQuery
from pydantic_core import to_json

from benchmarks.report import make_parser, show

DIMENSIONS = 384
TENANTS = 100
BATCH = 400
WRITERS = 2
QUERIES = 200
WORDS = 60
VOCABULARY = 50_000
MEBIBYTE = 1024 * 1024
KEY = AzureKeyCredential("benchmark")
INDEX: dict[str, Any] = {
    "name": "chunks",
    "fields": [
        {"name": "id", "type": "Edm.String", "key": True},
        {"name": "tenant", "type": "Edm.String", "searchable": False},
        {"name": "text", "type": "Edm.String", "analyzer": "en.lucene", "filterable": False},
        {
            "name": "vector",
            "type": "Collection(Edm.Single)",
            "dimensions": DIMENSIONS,
            "retrievable": False,
            "vectorSearchProfile": "cosine",
        },
    ],
    "vectorSearch": {
        "algorithms": [{"name": "exact", "kind": "exhaustiveKnn", "exhaustiveKnnParameters": {"metric": "cosine"}}],
        "profiles": [{"name": "cosine", "algorithm": "exact"}],
    },
}
Floats = npt.NDArray[np.float32]


class Corpus:
    """Rows and questions, the same in each run."""

    def __init__(self, rows: int) -> None:
        self._random = np.random.default_rng(7)
        self.rows = rows
        self.vectors: Floats = self._random.standard_normal((rows, DIMENSIONS), dtype=np.float32)
        chances = 1 / np.arange(1, VOCABULARY + 1)
        self._chances = chances / chances.sum()
        batches = (self._make_texts(min(BATCH, rows - first)) for first in range(0, rows, BATCH))
        self._texts = [text for texts in batches for text in texts]

    def _make_texts(self, count: int) -> list[str]:
        words = self.words(WORDS * count).split()
        return [" ".join(words[number * WORDS : (number + 1) * WORDS]) for number in range(count)]

    def words(self, count: int) -> str:
        return " ".join(f"word{number:x}" for number in self._random.choice(VOCABULARY, count, p=self._chances))

    def batches(self, part: int) -> Iterator[list[dict[str, Any]]]:
        """Yield the batches of one of the `WRITERS`."""
        for first in range(part * BATCH, self.rows, WRITERS * BATCH):
            numbers = range(first, min(first + BATCH, self.rows))
            yield [
                {
                    "id": f"n{number}",
                    "tenant": f"t{number % TENANTS}",
                    "text": self._texts[number],
                    "vector": self.vectors[number].tolist(),
                }
                for number in numbers
            ]

    def question(self) -> Floats:
        near = self.vectors[self._random.integers(self.rows)]
        return np.asarray(near + 0.5 * self._random.standard_normal(DIMENSIONS, dtype=np.float32))


class Server:
    """The service as a process of its own."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, "-m", "loopback", "search", "--port", "0", "--data", str(data), "--key", KEY.key]
        began = time.perf_counter()
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.url = next(iter(self._process.stderr or [])).rsplit(" ", 1)[-1].strip()
        self.started_seconds = round(time.perf_counter() - began, 2)

    def resident_mebibytes(self, kind: str) -> float | None:
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():
            return None
        lines = [line for line in status.read_text().splitlines() if line.startswith(kind)]
        return round(int(lines[0].split()[1]) * 1024 / MEBIBYTE, 1)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def running(data: Path) -> Iterator[tuple[Server, SearchClient]]:
    server = Server(data)
    try:
        with SearchClient(server.url, INDEX["name"], KEY) as client:
            yield server, client
    finally:
        server.kill()


def fill(url: str, corpus: Corpus, *, bare_http: bool) -> float:
    """Write all rows in `WRITERS` processes, as the SDK needs 0.8 ms of CPU a chunk; returns chunks per second."""
    with ProcessPoolExecutor(WRITERS) as pool:
        times = list(pool.map(write_bare if bare_http else write, [url] * WRITERS, [corpus] * WRITERS, range(WRITERS)))
        return round(corpus.rows / (max(end for _, end in times) - min(begin for begin, _ in times)), 1)


def write(url: str, corpus: Corpus, part: int) -> tuple[float, float]:
    """Write a part; returns the times of the first request and the last answer."""
    began = time.time()
    with SearchClient(url, INDEX["name"], KEY) as client:
        for batch in corpus.batches(part):
            if not all(result.succeeded for result in client.upload_documents(batch)):
                raise SystemExit("a document was refused")
    return began, time.time()


def write_bare(url: str, corpus: Corpus, part: int) -> tuple[float, float]:
    """Write a part like `write`, without the SDK."""
    began = time.time()
    connection = HTTPConnection(url.removeprefix("http://"))
    headers = {"api-key": KEY.key, "Content-Type": "application/json"}
    for batch in corpus.batches(part):
        connection.request("POST", f"/indexes/{INDEX['name']}/docs/index", to_json({"value": batch}), headers)
        response = connection.getresponse()
        if response.status != 200:
            raise SystemExit(f"a document was refused: {response.read()[:1000]!r}")
        response.read()
    connection.close()
    return began, time.time()


def timed(name: str, ask: Callable[[], Any]) -> dict[str, float]:
    """Time `QUERIES` calls; returns the median and the 99th percentile in milliseconds."""
    times = []
    for _ in range(QUERIES):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    p99 = times[math.ceil(len(times) * 0.99) - 1]
    return {f"{name}_p50_milliseconds": round(statistics.median(times), 2), f"{name}_p99_milliseconds": round(p99, 2)}


def nearest(vector: Floats, k: int) -> list[VectorQuery]:
    return [VectorizedQuery(vector=vector.tolist(), k_nearest_neighbors=k, fields="vector")]


def recall(client: SearchClient, corpus: Corpus) -> float:
    """Return the mean share of the ten nearest rows, of one tenant and of all, that 20 questions get."""
    norms = np.linalg.norm(corpus.vectors, axis=1)
    shares = []
    for number in range(20):
        vector = corpus.question()
        cosines = corpus.vectors @ vector / norms
        for tenant in (None, number):
            rows = np.arange(corpus.rows) if tenant is None else np.arange(tenant, corpus.rows, TENANTS)
            nearest_ids = {f"n{rows[index]}" for index in np.argsort(-cosines[rows])[:10]}
            condition = None if tenant is None else f"tenant eq 't{tenant}'"
            results = client.search(None, vector_queries=nearest(vector, 10), filter=condition, select=["id"])
            shares.append(len(nearest_ids & {row["id"] for row in results}) / len(nearest_ids))
    return round(statistics.mean(shares), 4)


def questions(client: SearchClient, corpus: Corpus) -> dict[str, float]:
    def ask(text: str | None, vector: Floats | None, tenant: str | None) -> None:
        queries = None if vector is None else nearest(vector, 50)
        condition = None if tenant is None else f"tenant eq '{tenant}'"
        list(client.search(text, vector_queries=queries, filter=condition, top=10, select=["id", "text"]))

    figures = timed("vector_of_tenant", lambda: ask(None, corpus.question(), "t7"))
    figures |= timed("vector", lambda: ask(None, corpus.question(), None))
    figures |= timed("words", lambda: ask(corpus.words(4), None, None))
    figures |= timed("words_of_tenant", lambda: ask(corpus.words(4), None, "t7"))
    figures |= timed("hybrid_of_tenant", lambda: ask(corpus.words(4), corpus.question(), "t7"))
    return figures | timed("hybrid", lambda: ask(corpus.words(4), corpus.question(), None))


def measure(rows: int, data: Path, *, bare_http: bool) -> dict[str, float | int | str | None]:
    corpus = Corpus(rows)
    figures: dict[str, float | int | str | None] = {"rows": rows, "dimensions": DIMENSIONS}
    with running(data) as (server, client):
        with SearchIndexClient(server.url, KEY) as indexes:
            indexes.create_index(INDEX)
        figures["ingest_chunks_per_second"] = fill(server.url, corpus, bare_http=bare_http)
        figures["resident_mebibytes_after_ingest"] = server.resident_mebibytes("VmRSS")
    with running(data) as (server, client):
        figures["reopen_seconds"] = server.started_seconds
        if client.get_document_count() != rows:
            raise SystemExit("documents that were acknowledged are missing after the kill")
        figures["recall_at_10"] = recall(client, corpus)
        figures |= questions(client, corpus)
        figures["resident_mebibytes"] = server.resident_mebibytes("VmRSS")
        figures["resident_mebibytes_without_mapped_files"] = server.resident_mebibytes("RssAnon")
    figures["disk_mebibytes"] = round(sum(path.stat().st_size for path in data.iterdir()) / MEBIBYTE, 1)
    return figures


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--bare-http", action="store_true", help="write without the SDK")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        show(measure(options.rows, Path(name), bare_http=options.bare_http), as_json=options.json)


if __name__ == "__main__":
    main()
