"""Prose documents are split by their structure, and no text of them is lost."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murmuration.documents import UnreadableDocument, chunk, is_readable, read_document
from murmuration.documents.chunks import MAX_CHARACTERS

MARKDOWN = """---
title: ignored
---
# Tea

Tea is *hot*. See [the pot](pot.md) and ![a cup](cup.png).

## Water

| kind | degrees |
|------|---------|
| green | 80 |

- boil it
- cool it

```python
print("steep")
```
"""
SPHINX = """
.. module:: tea
.. _tea-label:

===
Tea
===

.. index:: single: tea

Steep with :func:`~tea.steep` or see :ref:`the pot <pot>`; ``code`` and *words*.

.. toctree::
   :maxdepth: 2

   other

Functions
---------

.. function:: steep(leaves, *, minutes=3)
              steep(bag)

   Make tea from *leaves*.

   .. versionadded:: 3.8
      The bag.

   .. note::

      Not for :class:`Coffee`.

.. class:: Pot(size)

   A pot.

   .. method:: pour()

      Pour it.

.. code-block:: python

   steep("green")

.. unheard-of:: Argument
   :option: x

   Content of it.
"""
HTML = """<html><head><title>Tea page</title><style>p{}</style></head><body><nav>Menu</nav><main>
<h1>Tea</h1><p>Tea is <b>hot</b>.</p><h2>Water</h2><ul><li>boil<li>cool</ul>
<table><tr><th>kind</th><td>green</td></tr></table><pre>x = 1
y = 2</pre></main><footer>Imprint</footer><script>bad()</script></body></html>"""


def sections(source: str, content: str) -> dict[str, str]:
    return {" > ".join(section.headings): section.text for section in read_document(source, content).sections}


def test_markdown() -> None:
    by_heading = sections("tea.md", MARKDOWN)

    assert by_heading == {
        "Tea": "Tea is hot. See the pot and a cup.",
        "Tea > Water": 'kind | degrees\n\ngreen | 80\n\n- boil it\n\n- cool it\n\n    print("steep")',
    }


def test_restructured_text_as_sphinx_writes_it() -> None:
    by_heading = sections("tea.rst", SPHINX)

    assert by_heading["Tea"] == "Steep with steep or see the pot; code and words."
    assert by_heading["Tea > Functions > tea.steep"] == (
        "tea.steep(leaves, *, minutes=3) tea.steep(bag)\n\nMake tea from leaves.\n\n"
        "New in version 3.8: The bag.\n\nNot for Coffee."
    )
    assert by_heading["Tea > Functions > tea.Pot"] == "tea.Pot(size)\n\nA pot."
    assert by_heading["Tea > Functions > tea.Pot > tea.Pot.pour"] == "tea.Pot.pour()\n\nPour it."
    assert by_heading["Tea > Functions"] == '    steep("green")\n\nArgument\n\nContent of it.'
    assert not re.search(r"[`:]{2}|toctree|System Message|single:", "".join(by_heading.values()))


def test_html_without_navigation_and_footer() -> None:
    by_heading = sections("tea.html", HTML)

    assert by_heading == {"Tea": "Tea is hot.", "Tea > Water": "boil\n\ncool\n\nkind | green\n\n    x = 1\n    y = 2"}


@pytest.mark.parametrize(
    ("source", "content", "reason"),
    [
        ("a.md", "", "no text"),
        ("a.rst", ".. toctree::\n\n   b\n", "no text"),
        ("a.html", "<script>x</script>", "no text"),
        ("a.txt", "\0\1\2 binary", "not text"),
        ("a.txt", "\ufffd" * 50, "not text"),
        ("a.exe", "x", "ends with none of"),
    ],
)
def test_an_unreadable_document_gets_a_reason(source: str, content: str, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason) as problem:
        read_document(source, content)

    assert problem.value.source == source


def test_the_name_decides_whether_a_document_can_be_read() -> None:
    assert [is_readable(name) for name in ("A.MD", "b.rst.txt", "c.htm", "d.exe", "md")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_nothing_is_included_or_fetched(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("s") / "secret.txt"
    secret.write_text("the secret", encoding="utf-8")
    content = f"Title\n=====\n\nText.\n\n.. include:: {secret}\n\n.. raw:: html\n   :file: {secret}\n"

    assert "the secret" not in str(read_document("a.rst", content))


paragraphs = st.lists(st.text(alphabet="abc dé. \n", min_size=1, max_size=3_000), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(paragraphs)
def test_no_word_is_lost_and_no_chunk_is_too_large(parts: list[str]) -> None:
    try:
        document = read_document("a.txt", "\n\n".join(parts))
    except UnreadableDocument:
        return
    chunks = chunk(document)

    words = re.findall(r"\w+", document.sections[0].text)
    text = " ".join(piece.text for piece in chunks)
    if max(map(len, words), default=0) < 1_000:
        assert set(words) <= set(re.findall(r"\w+", text))
    assert sum(map(len, words)) <= len(re.sub(r"\W", "", text))
    assert all(len(piece.text) <= MAX_CHARACTERS for piece in chunks)
    assert chunk(document) == chunks


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["a.md", "a.rst", "a.html", "a.txt"]), st.text(alphabet="#=-*`:.|<>[]()_\\\n ab1!", max_size=300)
)
def test_odd_input_is_read_or_refused(source: str, content: str) -> None:
    try:
        chunk(read_document(source, content))
    except UnreadableDocument as problem:
        assert problem.reason  # noqa: PT017 - either is fine, a crash is not


def test_small_sections_are_joined_under_their_parent() -> None:
    content = "# Top\n\nIntro.\n\n" + "".join(f"## Part {n}\n\nShort text {n}.\n\n" for n in range(4))

    chunks = chunk(read_document("a.md", content))

    assert [(piece.heading, piece.text[:8]) for piece in chunks] == [("Top", "Intro."), ("Top", "Part 0: ")]
    assert "Part 3: Short text 3." in chunks[1].text


def test_a_heading_without_text_becomes_text() -> None:
    document = read_document("a.md", "# Changes\n\n## 1.1\n\n## 1.0\n\nFirst.\n\n# End\n")

    assert [(section.headings, section.text) for section in document.sections] == [
        (("Changes",), "1.1"),
        (("Changes", "1.0"), "First."),
        ((), "End"),
    ]


def test_bytes_are_utf8() -> None:
    assert read_document("a.txt", "\ufefftée".encode()).sections[0].text == "tée"
    with pytest.raises(UnreadableDocument, match="not UTF-8"):
        read_document("a.txt", b"t\xe9e")
