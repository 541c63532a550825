"""Reads Markdown with markdown-it."""

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from murmuration.documents.html import text_of_html
from murmuration.documents.model import Section
from murmuration.documents.outline import Outline, code

FENCES = ("---", "+++")
MAX_NESTING = 60


def read_markdown(content: str) -> list[Section]:
    """Return the sections below the front matter; raises RecursionError when the text is nested too deeply."""
    reader = _Reader()
    text = _without_front_matter(content)
    for token in MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table").parse(text):
        if token.level >= MAX_NESTING - 1:
            raise RecursionError("markdown-it would leave out what is nested deeper")
        reader.take(token)
    return reader.outline.sections()


class _Reader:
    """Consumer of markdown-it's tokens."""

    def __init__(self) -> None:
        self.outline = Outline()
        self._level = 0
        self._bullet = ""
        self._row: list[str] | None = None

    def take(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._level = int(token.tag[1:])
            case "heading_close":
                self._level = 0
            case "list_item_open":
                self._bullet = "- "
            case "tr_open":
                self._row = []
            case "tr_close":
                self.outline.block(" | ".join(self._row or []))
                self._row = None
            case "inline":
                self._inline(_text(token.children or []))
            case "fence" | "code_block":
                self.outline.block(code(token.content))
            case "html_block":
                self.outline.block(text_of_html(token.content))

    def _inline(self, text: str) -> None:
        if self._level:
            self.outline.heading(self._level, text)
        elif self._row is not None:
            self._row.append(text)
        else:
            self.outline.block(self._bullet + text)
            self._bullet = ""


def _text(children: Sequence[Token]) -> str:
    """Return inline text; links become their text, images their description."""
    text = ""
    for child in children:
        if child.type in ("text", "code_inline"):
            text += child.content
        elif child.type in ("softbreak", "hardbreak"):
            text += "\n"
        elif child.type == "image":
            text += child.content
        elif child.type == "html_inline":
            text += text_of_html(child.content)
    return text


def _without_front_matter(content: str) -> str:
    lines = content.splitlines()
    if lines and lines[0].strip() in FENCES:
        for number, line in enumerate(lines[1:], start=1):
            if line.strip() == lines[0].strip():
                return "\n".join(lines[number + 1 :])
    return content
