"""Chunks hold every word of their document in order; their size and the time to make them are bounded."""

import re
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murmuration.documents import Document, Section, UnreadableDocument, chunk, read_document
from murmuration.documents.chunks import (
    MAX_CHARACTERS,
    MAX_PATH_CHARACTERS,
    SMALL_CHARACTERS,
    TARGET_CHARACTERS,
)

GENEROUS_SECONDS = 60
"""Linear work on these inputs takes a few seconds, quadratic work hours."""

words = st.text(alphabet="abcé日👍🏽\u0301.", min_size=1, max_size=40)
texts = st.lists(st.lists(words, min_size=1, max_size=60).map(" ".join), min_size=1, max_size=12).map("\n\n".join)
paths = st.lists(st.text(alphabet="AB ", min_size=1, max_size=150).filter(str.strip), max_size=8).map(tuple)
sections = st.builds(Section, paths, texts, st.booleans())
documents = st.builds(Document, st.just("a.md"), st.just("A"), st.lists(sections, min_size=1, max_size=5).map(tuple))


def in_order(words: list[str], text: Iterator[str]) -> bool:
    return all(word in text for word in words)


@settings(max_examples=150, deadline=None)
@given(documents)
def test_chunks_keep_all_words_in_order_and_stay_small(document: Document) -> None:
    chunks = chunk(document)

    expected = [word for section in document.sections for word in section.text.split()]
    assert in_order(expected, iter([word for piece in chunks for word in piece.text.split()]))
    assert all(0 < len(piece.text) <= MAX_CHARACTERS for piece in chunks)
    assert all(len(piece.heading) <= MAX_PATH_CHARACTERS for piece in chunks)
    all_words = set(re.findall(r"\w+", " ".join(f"{piece.heading} {piece.text}" for piece in chunks)))
    headings = " ".join(
        heading for section in document.sections for heading in section.headings if not section.names_itself
    )
    assert set(re.findall(r"\w+", headings)) <= all_words
    assert "".join(piece.text for piece in chunks).encode().decode()
    assert chunk(document) == chunks


@settings(max_examples=60, deadline=None)
@given(documents, texts)
def test_a_new_section_leaves_the_chunks_before_it_unchanged(document: Document, text: str) -> None:
    large = Section(("Other", "end"), text + " word" * SMALL_CHARACTERS)
    longer = Document(document.source, document.title, (*document.sections, large))

    before = chunk(document)

    assert chunk(longer)[: len(before)] == before


def test_only_a_section_that_was_split_overlaps() -> None:
    sentences = " ".join(f"Sentence {number} says something about tea." for number in range(60))
    document = Document("a.md", "A", (Section(("A", "long"), sentences), Section(("B", "next"), "Short.")))

    *long, last = (piece.text for piece in chunk(document))

    assert len(long) > 1
    assert all(after.startswith(re.split(r"(?<=\.) ", before)[-1]) for before, after in pairwise(long))
    assert last == "Short."


def test_code_is_split_between_lines() -> None:
    content = "def f():\n" + "".join(f"    value_{number} = 'A sentence. Another.'\n" for number in range(100))

    chunks = chunk(read_document("a.py", content))

    assert len(chunks) > 2
    assert {piece.heading for piece in chunks} == {"a > f"}
    assert {line.strip() for piece in chunks for line in piece.text.splitlines()} - {""} == {
        line.strip() for line in content.splitlines()
    }


def test_letters_keep_their_accents() -> None:
    for piece in chunk(read_document("a.txt", "e\u0301" * TARGET_CHARACTERS)):
        assert piece.text.startswith("e")


MILLION = 1_000_000
PATHOLOGICAL = {
    "one line": "word " * (2 * MILLION),
    "one word": "x" * (10 * MILLION),
    "white space": "a" + "\n \t" * (3 * MILLION) + ". " + " " * MILLION + "b",
    "quotes": "`*'\"" * 100_000,
    "braces": "{[(" * 100_000 + "x",
    "keys": '{"a":' * 100_000,
    "headings": "".join(f"{'#' * (number % 6 + 1)} h{number}\n\nt{number}\n\n" for number in range(100_000)),
    "html": "".join(f"<h{number % 6 + 1}>h{number}</h{number % 6 + 1}><div>t" for number in range(100_000)),
    "deep": "".join(f"{' ' * number}- x{number}\n" for number in range(1_000)),
    "deep code": "".join(f"{' ' * number}if x{number}:\n" for number in range(1_000)),
    "classes": "class a{" * 50_000 + "def f(): pass\n" * 50_000,
}


@pytest.mark.parametrize("suffix", ["md", "txt", "html", "py", "ts", "json", "sql"])
@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_time_is_bounded(name: str, suffix: str) -> None:
    began = time.monotonic()
    try:
        chunks = chunk(read_document(f"a.{suffix}", PATHOLOGICAL[name]))
        assert all(len(piece.text) <= MAX_CHARACTERS for piece in chunks)
    except UnreadableDocument as problem:
        assert problem.reason == "it holds no text"  # noqa: PT017 - some of these inputs are empty in some formats
    assert time.monotonic() - began < GENEROUS_SECONDS
