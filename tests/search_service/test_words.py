"""Scores of many segments and of what is fresh are BM25's, as counted one document at a time."""

import random
from collections import Counter
from math import log
from pathlib import Path
from typing import Any

import pytest

from local.search_service.checks import index_from
from local.search_service.search import search
from local.search_service.store import Store

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
QUESTION = ["w1", "w7", "w42"]


def texts() -> dict[str, str]:
    """44 long ones, which make segments enough for a merge, and a hundred short ones after them, which stay fresh."""
    drawn = random.Random(5)
    sizes = [30_000] * 44 + [20] * 100
    return {f"n{number}": " ".join(drawn.choices(VOCABULARY, k=size)) for number, size in enumerate(sizes)}


def filled(folder: Path, kept: dict[str, str]) -> Store:
    store = Store(folder)
    store.define(index_from(INDEX))
    for name, text in kept.items():
        store.write("texts", [("upload", {"id": name, "tenant": tenant(name), "text": text})])
        store.finish()
    return store


def tenant(name: str) -> str:
    return "few" if name in ("n1", "n39", "n77", "n139") else "many"


def scores(store: Store, condition: str | None = None) -> dict[str, float]:
    body = {"search": " ".join(QUESTION), "filter": condition, "top": 1_000, "select": "id"}
    return {row["id"]: row["@search.score"] for row in search(store.table("texts"), body)["value"]}


def expected(kept: dict[str, str]) -> dict[str, float]:
    counted = {name: Counter(text.split()) for name, text in kept.items()}
    average = sum(each.total() for each in counted.values()) / len(counted)
    found: dict[str, float] = {}
    for term in QUESTION:
        documents = sum(term in each for each in counted.values())
        idf = log(1 + (len(kept) - documents + 0.5) / (documents + 0.5))
        for name, each in counted.items():
            if times := each[term]:
                gain = times / (times + 1.2 * (1 - 0.75 + 0.75 * each.total() / average))
                found[name] = found.get(name, 0) + idf * gain
    return found


def test_scores_with_and_without_a_filter_before_and_after_deletes_and_a_restart(tmp_path: Path) -> None:
    kept = texts()
    store = filled(tmp_path, kept)
    assert scores(store) == pytest.approx(expected(kept), rel=1e-4)

    gone = [f"n{number}" for number in (0, 2, 5, 38, 60, 61, 62)]
    store.write("texts", [("delete", {"id": name}) for name in gone])
    kept = {name: text for name, text in kept.items() if name not in gone}
    few = {name: score for name, score in expected(kept).items() if tenant(name) == "few"}
    for _ in range(2):
        begun = search(store.table("texts"), {"search": "w4*", "top": 1_000})["value"]
        assert {row["id"] for row in begun} <= kept.keys()
        assert scores(store) == pytest.approx(expected(kept), rel=1e-4)
        assert scores(store, "tenant eq 'few'") == pytest.approx(few, rel=1e-4)
        store.close()
        store = Store(tmp_path)
    store.close()


def test_a_merge_leaves_out_what_is_gone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.define(index_from(INDEX))
    text = " ".join(VOCABULARY * 200)
    for number in range(24):
        store.write("texts", [("upload", {"id": "one", "text": f"{text} turn{number}"})])
        store.finish()

    files = [path.stat().st_size for path in tmp_path.glob("*.words")]
    assert sum(files) < 8 * 60_001 * 3, "at most the last version, and what was frozen since"
    assert search(store.table("texts"), {"search": "turn3"})["value"] == []
    store.close()


def test_positions_of_frozen_words_are_those_of_the_text(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.define(index_from(INDEX))
    long = " ".join(VOCABULARY * 700)
    row = {"id": "a", "text": f"the first word {long}", "labels": ["open door", "blue\nsky", "lamp"]}
    store.write("texts", [("upload", row)])
    store.finish()
    assert list(tmp_path.glob("*.words"))
    for _ in range(2):
        for phrase, found in (('"w0 w1"', 1), ('"w1 w0"', 0), ('"first word w0"', 1), ('"open door"', 1),
                              ('"door blue"', 0), ('"sky lamp"', 0), ('"blue sky"', 1)):  # fmt: skip
            assert len(search(store.table("texts"), {"search": phrase})["value"]) == found, phrase
        store.close()
        store = Store(tmp_path)
    store.close()
