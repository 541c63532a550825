"""Scores of many segments and of what is fresh are BM25's, as counted one document at a time."""

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


def scores(store: Store, asked: list[str], condition: str | None = None) -> dict[str, float]:
    text = " ".join(f'"{each}"' for each in asked)
    body = {"search": text, "filter": condition, "top": 1_000, "select": "id"}
    return {row["id"]: row["@search.score"] for row in search(store.table("texts"), body)["value"]}


def expected(kept: dict[str, str], asked: list[str]) -> dict[str, float]:
    """Each word or pair of words is worth what the documents that it is in make it worth."""
    words = {name: text.split() for name, text in kept.items()}
    counted = {name: Counter([*word, *map(" ".join, pairwise(word))]) for name, word in words.items()}
    average = sum(map(len, words.values())) / len(words)
    found: dict[str, float] = {}
    for term in asked:
        documents = sum(term in each for each in counted.values())
        idf = log(1 + (len(kept) - documents + 0.5) / (documents + 0.5))
        for name, each in counted.items():
            if times := each[term]:
                gain = times / (times + 1.2 * (1 - 0.75 + 0.75 * len(words[name]) / average))
                found[name] = found.get(name, 0) + idf * gain
    return found


@pytest.mark.parametrize("asked", [WORDS, PHRASES])
def test_scores_with_and_without_a_filter_before_and_after_deletes_and_a_restart(
    tmp_path: Path, asked: list[str]
) -> None:
    kept = texts()
    store = filled(tmp_path, kept)
    assert scores(store, asked) == pytest.approx(expected(kept, asked), rel=1e-4)

    gone = [f"n{number}" for number in (0, 2, 5, 38, 60, 61, 62)]
    store.write("texts", [("delete", {"id": name}) for name in gone])
    kept = {name: text for name, text in kept.items() if name not in gone}
    few = {name: score for name, score in expected(kept, asked).items() if tenant(name) == "few"}
    for _ in range(2):
        begun = search(store.table("texts"), {"search": "w4*", "top": 1_000})["value"]
        assert {row["id"] for row in begun} <= kept.keys()
        assert scores(store, asked) == pytest.approx(expected(kept, asked), rel=1e-4)
        assert scores(store, asked, "tenant eq 'few'") == pytest.approx(few, rel=1e-4)
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


def test_stop_words_are_no_words_after_a_freeze_either(tmp_path: Path) -> None:
    store = filled(tmp_path, {"a": "aardvark", "b": f"the of and {' '.join(VOCABULARY * 700)} the"})
    before = {word: scores(store, [word]) for word in ("aardvark", "w7", "the")}
    assert list(tmp_path.glob("*.words"))
    store.close()

    store = Store(tmp_path)
    assert {word: scores(store, [word]) for word in before} == before
    assert [set(each) for each in before.values()] == [{"a"}, {"b"}, set()]
    store.close()


def test_a_document_replaced_after_a_freeze_is_found_by_its_new_words_alone(tmp_path: Path) -> None:
    long = " ".join(VOCABULARY * 700)
    kept = {"a": f"{long} w1", "b": long, "c": "w7"}
    store = filled(tmp_path, kept)
    assert list(tmp_path.glob("*.words"))
    assert scores(store, WORDS) == pytest.approx(expected(kept, WORDS), rel=1e-4)

    kept |= {"a": "w42 w42 new", "c": f"w7 {long}"}
    for name in ("a", "c"):
        store.write("texts", [("upload", {"id": name, "tenant": "many", "text": kept[name]})])
        for _ in range(2):
            now = {**kept, "c": "w7"} if name == "a" else kept
            assert scores(store, WORDS) == pytest.approx(expected(now, WORDS), rel=1e-4)
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
    store.finish()

    assert len(list(tmp_path.glob("*.words"))) == (size > 1), "what is fresh, and what is frozen"
    reached = {"open door", "door open", "door sky", "door blue", "sky lamp", "blue lamp", "far next", "end next"}
    for slop in (0, 1, 50):
        found = {each for each in reached if _full(store, f'labels:"{each}"~{slop}')}
        assert found == ({"open door"} if slop < 2 else {"open door", "door open"})
    store.close()


def _full(store: Store, text: str) -> int:
    return len(search(store.table("texts"), {"search": text, "queryType": "full"})["value"])
