"""Scores over segments and buffers equal BM25 computed from its formula, one document at a time."""

import random
from collections import Counter
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import pytest

from loopback.search.checks import index_from
from loopback.search.search import search
from loopback.search.store import Store

INDEX: dict[str, Any] = {
    "name": "texts",
    "fields": [
        {"name": "id", "type": "Edm.String", "key": True, "searchable": False},
        {"name": "tenant", "type": "Edm.String", "searchable": False},
        {"name": "text", "type": "Edm.String", "analyzer": "en.lucene"},
        {"name": "labels", "type": "Collection(Edm.String)"},
    ],
}
VOCABULARY = [f"w{number}" for number in range(300)]
WORDS = ["w1", "w7", "w42"]
PHRASES = ["w1 w7", "w42 w42"]


def texts() -> dict[str, str]:
    """Make 44 long texts, whose segments are merged, and then a hundred short ones, which stay in the buffer."""
    generator = random.Random(5)
    sizes = [30_000] * 44 + [20] * 100
    return {f"n{number}": " ".join(generator.choices(VOCABULARY, k=size)) for number, size in enumerate(sizes)}


def filled_store(folder: Path, documents: dict[str, str]) -> Store:
    store = Store(folder)
    store.define(index_from(INDEX))
    for name, text in documents.items():
        store.write("texts", [("upload", {"id": name, "tenant": tenant(name), "text": text})])
        store.index_written()
    return store


def tenant(name: str) -> str:
    return "few" if name in ("n1", "n39", "n77", "n139") else "many"


def scores(store: Store, phrases: list[str], condition: str | None = None) -> dict[str, float]:
    text = " ".join(f'"{phrase}"' for phrase in phrases)
    body = {"search": text, "filter": condition, "top": 1_000, "select": "id"}
    return {row["id"]: row["@search.score"] for row in search(store.table("texts"), body)["value"]}


def bm25(documents: dict[str, str], phrases: list[str]) -> dict[str, float]:
    """Compute the scores of single words and pairs of words by the formula."""
    words = {name: text.split() for name, text in documents.items()}
    counts = {name: Counter([*sequence, *map(" ".join, pairwise(sequence))]) for name, sequence in words.items()}
    average = sum(map(len, words.values())) / len(words)
    result: dict[str, float] = {}
    for phrase in phrases:
        frequency = sum(phrase in count for count in counts.values())
        idf = log(1 + (len(documents) - frequency + 0.5) / (frequency + 0.5))
        for name, count in counts.items():
            if times := count[phrase]:
                gain = times / (times + 1.2 * (1 - 0.75 + 0.75 * len(words[name]) / average))
                result[name] = result.get(name, 0) + idf * gain
    return result


@pytest.mark.parametrize("phrases", [WORDS, PHRASES])
def test_scores_with_and_without_a_filter_before_and_after_deletes_and_a_restart(
    tmp_path: Path, phrases: list[str]
) -> None:
    documents = texts()
    store = filled_store(tmp_path, documents)
    assert scores(store, phrases) == pytest.approx(bm25(documents, phrases), rel=1e-4)

    deleted = [f"n{number}" for number in (0, 2, 5, 38, 60, 61, 62)]
    store.write("texts", [("delete", {"id": name}) for name in deleted])
    documents = {name: text for name, text in documents.items() if name not in deleted}
    few = {name: score for name, score in bm25(documents, phrases).items() if tenant(name) == "few"}
    for _ in range(2):
        by_prefix = search(store.table("texts"), {"search": "w4*", "top": 1_000})["value"]
        assert {row["id"] for row in by_prefix} <= documents.keys()
        assert scores(store, phrases) == pytest.approx(bm25(documents, phrases), rel=1e-4)
        assert scores(store, phrases, "tenant eq 'few'") == pytest.approx(few, rel=1e-4)
        store.close()
        store = Store(tmp_path)
    store.close()


def test_a_merge_drops_deleted_rows(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.define(index_from(INDEX))
    text = " ".join(VOCABULARY * 200)
    for number in range(24):
        store.write("texts", [("upload", {"id": "one", "text": f"{text} turn{number}"})])
        store.index_written()

    files = [path.stat().st_size for path in tmp_path.glob("*.words")]
    assert sum(files) < 8 * 60_001 * 3, "at most the last version, and the segments written since"
    assert search(store.table("texts"), {"search": "turn3"})["value"] == []
    store.close()


def test_positions_in_segments_are_those_of_the_text(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.define(index_from(INDEX))
    long = " ".join(VOCABULARY * 700)
    row = {"id": "a", "text": f"the first word {long}", "labels": ["open door", "blue\nsky", "lamp"]}
    store.write("texts", [("upload", row)])
    store.index_written()
    assert list(tmp_path.glob("*.words"))
    for _ in range(2):
        for phrase, count in (('"w0 w1"', 1), ('"w1 w0"', 0), ('"first word w0"', 1), ('"open door"', 1),
                              ('"door blue"', 0), ('"sky lamp"', 0), ('"blue sky"', 1)):  # fmt: skip
            assert len(search(store.table("texts"), {"search": phrase})["value"]) == count, phrase
        store.close()
        store = Store(tmp_path)
    store.close()


def test_stop_words_are_not_indexed_in_segments_either(tmp_path: Path) -> None:
    store = filled_store(tmp_path, {"a": "aardvark", "b": f"the of and {' '.join(VOCABULARY * 700)} the"})
    before = {word: scores(store, [word]) for word in ("aardvark", "w7", "the")}
    assert list(tmp_path.glob("*.words"))
    store.close()

    store = Store(tmp_path)
    assert {word: scores(store, [word]) for word in before} == before
    assert [set(rows) for rows in before.values()] == [{"a"}, {"b"}, set()]
    store.close()


def test_a_document_replaced_after_a_flush_is_found_by_its_new_words_alone(tmp_path: Path) -> None:
    long = " ".join(VOCABULARY * 700)
    documents = {"a": f"{long} w1", "b": long, "c": "w7"}
    store = filled_store(tmp_path, documents)
    assert list(tmp_path.glob("*.words"))
    assert scores(store, WORDS) == pytest.approx(bm25(documents, WORDS), rel=1e-4)

    documents |= {"a": "w42 w42 new", "c": f"w7 {long}"}
    for name in ("a", "c"):
        store.write("texts", [("upload", {"id": name, "tenant": "many", "text": documents[name]})])
        for _ in range(2):
            now = {**documents, "c": "w7"} if name == "a" else documents
            assert scores(store, WORDS) == pytest.approx(bm25(now, WORDS), rel=1e-4)
            assert scores(store, ["new"]).keys() == {"a"}
            store.close()
            store = Store(tmp_path)
    store.close()


@pytest.mark.parametrize("size", [1, 70_000])
def test_no_phrase_reaches_from_one_value_of_a_collection_into_the_next(tmp_path: Path, size: int) -> None:
    store = Store(tmp_path)
    store.define(index_from(INDEX))
    row = {
        "id": "a",
        "text": "w0 w1 w2 " * size,
        "labels": ["open door", "blue sky", "", "lamp", f"{'far ' * 150}end", "next"],
    }
    store.write("texts", [("upload", row)])
    store.index_written()

    assert len(list(tmp_path.glob("*.words"))) == (size > 1), "once in the buffer, once in a segment"
    phrases = {"open door", "door open", "door sky", "door blue", "sky lamp", "blue lamp", "far next", "end next"}
    for slop in (0, 1, 50):
        matching = {phrase for phrase in phrases if _count(store, f'labels:"{phrase}"~{slop}')}
        assert matching == ({"open door"} if slop < 2 else {"open door", "door open"})
    store.close()


def _count(store: Store, text: str) -> int:
    return len(search(store.table("texts"), {"search": text, "queryType": "full"})["value"])
