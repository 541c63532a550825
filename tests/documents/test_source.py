"""Source code is split at its definitions, and no line of it is lost."""

import re
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murmuration.documents import UnreadableDocument, chunk, read_document
from murmuration.documents.chunks import MAX_CHARACTERS
from murmuration.documents.source import SOURCE_SUFFIXES

LIBRARY = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
PYTHON = '''"""Tea."""
X = 1

# How hot.
@cache
def heat(cup):
    def inner(): ...

class Pot:
    """A pot."""
    def pour(self): return 1
    class Lid:
        def lift(self): ...

if X:
    def other(): ...
'''
EXAMPLES = {
    "a.js": ("const q = 1\nfunction f(a) {\n if (a) { return '}' }\n}\nclass K extends L {\n m() { `}` }\n}\n"
             "const g = async (x) => {\n}\n", ["f", "K", "K > m", "g"]),
    "a.ts": ("export interface A {\n x: number;\n}\nexport function f<T>(a: T): T {\n return a;\n}\n", ["A", "f"]),
    "A.java": ("package a;\n@Anno(a=1)\npublic class X<T> {\n  @Override\n  public int m(int b) throws E {\n }\n}\n",
               ["X", "X > m"]),
    "a.cs": ("namespace A.B\n{\n public class C : D\n {\n  public void M<T>(int a) where T : class\n  {\n  }\n }\n}\n",
             ["A.B", "A.B > C", "A.B > C > M"]),
    "a.go": ("package a\n\ntype T struct {\n a int\n}\n\nfunc (t *T) Do(x int) (int, error) {\n}\n\nfunc main() {\n}\n",
             ["T", "T.Do", "main"]),
    "a.rs": ("struct A<'a> {\n x: &'a str,\n}\nimpl<'a> T for A<'a> {\n fn m(&self) { r#\"}\"#; }\n}\nfn g() {\n}\n",
             ["A", "A", "A > m", "g"]),
    "a.c": ("#include <a.h>\nstatic int\nfoo(int a)\n{\n char c = '}'; /* } */\n}\nstruct s {\n int a;\n};\n",
            ["foo", "s"]),
    "a.cpp": ("class A : B {\n int m() { return 1; }\n};\nA::A(int x) : y(x) {\n}\n", ["A", "A > m", "A::A"]),
    "a.sh": ("foo() {\n  echo }\n}\nx=1\nfunction bar {\n echo\n}\n", ["foo", "bar"]),
    "a.sql": ("CREATE TABLE IF NOT EXISTS a.b (\n x int\n);\ncreate or replace view v as select 1;\n",
              ["table a.b", "view v"]),
    "a.yaml": ("a: 1\nb:\n  c: 2\n", ["a", "b"]),
    "a.toml": ("[tool.x]\nb = 2\n[[y]]\nc = 1\n", ["tool.x", "y"]),
    "a.json": ('{\n  "a": 1,\n  "b": {\n    "c": 2\n  }\n}\n', ["a", "b"]),
}  # fmt: skip


def headings(source: str, content: str) -> list[str]:
    paths = (" > ".join(section.headings[1:]) for section in read_document(source, content).sections)
    return [path for path in paths if path]


def test_python_is_headed_by_module_class_and_function() -> None:
    document = read_document("shop/tea.py", PYTHON)

    assert document.title == "shop.tea"
    assert headings("shop/tea.py", PYTHON) == ["heat", "Pot", "Pot > pour", "Pot > Lid", "Pot > Lid > lift", "other"]
    assert "# How hot.\n    @cache\n    def heat" in document.sections[1].text


@pytest.mark.parametrize("source", EXAMPLES)
def test_definitions_of_other_languages(source: str) -> None:
    content, expected = EXAMPLES[source]

    assert headings(source, content) == expected


def test_python_with_a_syntax_error_is_one_section() -> None:
    document = read_document("a.py", "def f(:\n    pass\n")

    assert [(section.headings, section.text) for section in document.sections] == [
        (("a",), "    def f(:\n        pass")
    ]


@pytest.mark.parametrize("source", [".json", "conf/.py", "A.GO"])
def test_a_name_of_any_form_is_read(source: str) -> None:
    assert read_document(source, "x = 1").sections[0].text == "    x = 1"


def test_the_standard_library_is_read() -> None:
    for path in LIBRARY:
        content = path.read_text(encoding="utf-8")
        chunks = chunk(read_document(path.name, content))

        text = " ".join(piece.text for piece in chunks)
        assert set(re.findall(r"\w+", content)) <= set(re.findall(r"\w+", text)), path
        assert max(len(piece.text) for piece in chunks) <= MAX_CHARACTERS


lines = st.sampled_from(
    ["class A {", "}", "{", "def f():", "  def g(self):", "class B:", "func x() {", '"', "'", "`", "/*", "*/", "a: 1",
     "  b: 2", '  "c": {', "[t]", "create table t (", "f() {", "\\", "é ü", "x = (", "r#\"", "#if A", "// w", "", "\f"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SOURCE_SUFFIXES), st.lists(lines, max_size=30))
def test_words_keep_their_order(suffix: str, parts: list[str]) -> None:
    content = "\n".join(parts)
    try:
        document = read_document(f"a{suffix}", content)
    except UnreadableDocument:
        assert not re.search(r"\w", content)
        return

    assert re.findall(r"\w+", " ".join(section.text for section in document.sections)) == re.findall(r"\w+", content)
