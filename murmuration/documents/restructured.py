"""Reads reStructuredText with docutils, Sphinx's dialect too: unknown directives and roles become readable text.

Nothing is fetched, included or executed.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from docutils import frontend, nodes, utils
from docutils.parsers.rst import Directive, Parser, directives, roles

from murmuration.documents.model import Section
from murmuration.documents.outline import Outline, code

WITHOUT_TEXT = {
    "index", "toctree", "contents", "highlight", "include",
    "raw", "image", "tabularcolumns", "sectionauthor", "moduleauthor", "codeauthor", "testsetup", "testcleanup",
    "default-role", "program", "only-if", "meta", "csv-table-file",
}  # fmt: skip
LITERAL = {"code-block", "code", "sourcecode", "parsed-literal", "doctest", "testcode", "testoutput", "productionlist",
           "literalinclude", "prompt", "math"}  # fmt: skip
VERSIONS = {
    "versionadded": "New in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
    "deprecated-removed": "Deprecated since version",
    "versionremoved": "Removed in version",
}
NAMED = {"note": "Note", "warning": "Warning", "seealso": "See also", "tip": "Tip", "important": "Important"}
TOP_LEVEL = {"function", "class", "exception", "data", "decorator", "coroutinefunction", "awaitablefunction"}
DEFINITIONS = TOP_LEVEL | {
    "method", "attribute", "property", "classmethod", "staticmethod", "coroutinemethod", "awaitablemethod",
    "abstractmethod", "decoratormethod", "describe", "object", "option", "cmdoption", "envvar", "opcode", "macro",
    "type", "var", "member", "struct", "enum", "enumerator", "pdbcommand", "confval", "setting", "directive", "role",
}  # fmt: skip
_NAME = re.compile(r"[\w.$-]+(?=\s*(?:\(|\[|=|:|,|$))")
DOCUTILS_DIRECTIVES = {"table", "list-table", "figure", "epigraph", "rubric", "topic", "sidebar", "replace", "unicode"}
_TITLED = re.compile(r"^(?P<title>.+?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
_LOCK = threading.Lock()
"""docutils looks up directives and roles through globals of its modules."""


class _AnyDirective(Directive):
    """Any directive, turned into text: its arguments, then its content."""

    has_content = True
    optional_arguments = 1_000
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        name = self.name.lower().rpartition(":")[2]
        if name in WITHOUT_TEXT:
            return []
        if name in ("module", "currentmodule"):
            self._settings.module = "".join(self.arguments).strip()
            return []
        argument = " ".join(" ".join(self.arguments).split())
        if name in LITERAL:
            text = "\n".join(self.content)
            return [nodes.literal_block(text, text)] if text.strip() else []
        if name in DEFINITIONS and argument:
            return [self._definition(name)]
        box = nodes.container()
        head = self._head(name, argument)
        if head:
            box += nodes.paragraph(head, "", *self.state.inline_text(head, self.lineno)[0])
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]

    @property
    def _settings(self) -> Any:
        return self.state.document.settings

    def _definition(self, name: str) -> nodes.Node:
        """Return a signature under its full name, with its description."""
        signatures = [" ".join(line.split()) for line in "\n".join(self.arguments).splitlines() if line.strip()]
        match = _NAME.search(signatures[0])
        short = match[0] if match else signatures[0]
        scope = self._settings.scope
        owner = scope[-1] if scope and name not in TOP_LEVEL else self._settings.module
        is_full = not owner or short.startswith(f"{owner}.") or ":" in self.name or (scope and "." in short)
        full = short if is_full else f"{owner}.{short}"
        box = nodes.container(definition=full)
        text = "\n".join(signature.replace(short, full, 1) for signature in signatures)
        box += nodes.paragraph(text, text)
        scope.append(full)
        self.state.nested_parse(self.content, self.content_offset, box)
        scope.pop()
        return box

    def _head(self, name: str, argument: str) -> str:
        if name in VERSIONS:
            version, _, rest = argument.partition(" ")
            return f"{VERSIONS[name]} {version}: {rest}".rstrip(": ") + ("" if rest else ":")
        if name in NAMED:
            return f"{NAMED[name]}: {argument}" if argument else ""
        return argument


class _Options(dict[str, Any]):
    """An option table that accepts every name and keeps values unchanged."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> Any:
        return directives.unchanged

    def __bool__(self) -> bool:
        return True


_AnyDirective.option_spec = _Options()


def _any_role(
    _name: str, _raw: str, text: str, _line: int, _inliner: Any, _options: Any = None, _content: Any = None
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Return the text of a role: b for `:func:`~a.b``, words for `:ref:`words <target>``."""
    match = _TITLED.match(text)
    title = match["title"] if match else text.lstrip("!")
    if title.startswith("~"):
        title = title[1:].rpartition(".")[2]
    return [nodes.literal(text, utils.unescape(title))], []


@contextmanager
def _any_directives_and_roles() -> Iterator[None]:
    """Replace docutils' lookup of directives and roles while one document is parsed."""
    find_directive, find_role = directives.directive, roles.role

    def directive(name: str, language: Any, document: nodes.document) -> Any:
        if name.lower() in DOCUTILS_DIRECTIVES:
            return find_directive(name, language, document)
        return _AnyDirective, []

    def role(_name: str, _language: Any, _line: int, _reporter: Any) -> Any:
        return _any_role, []

    with _LOCK:
        _set_lookup(directive, role)
        try:
            yield
        finally:
            _set_lookup(find_directive, find_role)


def _set_lookup(directive: Any, role: Any) -> None:
    directives.directive = directive
    roles.role = role


def read_restructured(content: str) -> list[Section]:
    """Return the sections of a reStructuredText document; its syntax errors are ignored."""
    settings = frontend.get_default_settings(Parser)
    settings.report_level = 5
    settings.halt_level = 6
    settings.file_insertion_enabled = False
    settings.raw_enabled = False
    settings.module, settings.scope = "", []  # the scope of a definition, for our directives
    settings.line_length_limit = max(10_000, len(content) + 1)
    document = utils.new_document("document", settings)
    with _any_directives_and_roles():
        Parser().parse(content, document)
    outline = Outline()
    _walk(document, outline, 0)
    return outline.sections()


def _walk(node: nodes.Element, outline: Outline, level: int, *, indent: str = "") -> None:
    for child in node.children:
        if isinstance(child, nodes.section):
            _walk(child, outline, level + 1)
        elif isinstance(child, nodes.container) and child.get("definition"):
            with outline.within(child["definition"]):
                _walk(child, outline, level)
        elif isinstance(child, nodes.title):
            outline.heading(level, child.astext())
        elif isinstance(child, nodes.literal_block | nodes.doctest_block | nodes.math_block):
            outline.block(code(child.astext()))
        elif isinstance(child, nodes.paragraph | nodes.term | nodes.rubric | nodes.caption | nodes.line_block):
            outline.block(indent + " ".join(child.astext().split()))
        elif isinstance(child, nodes.list_item):
            _walk(child, outline, level, indent="- ")
        elif isinstance(child, nodes.row):
            outline.block(" | ".join(" ".join(entry.astext().split()) for entry in child.children))
        elif isinstance(child, nodes.Invisible | nodes.system_message | nodes.image | nodes.problematic):
            continue
        elif isinstance(child, nodes.Element):
            _walk(child, outline, level)
        indent = ""
