"""Reads HTML with selectolax."""

from selectolax.lexbor import LexborHTMLParser, LexborNode

from murmuration.documents.model import Section
from murmuration.documents.outline import Outline, code

BOILERPLATE = "script, style, noscript, template, nav, header, footer, aside, form, button, svg, iframe"
HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = {"p", "li", "dt", "dd", "blockquote", "figcaption", "td", "th", "caption", "div", "section", "article", "main",
          "body", "ul", "ol", "dl", "table", "tbody", "thead", "tfoot", "figure", "details", "summary"}  # fmt: skip


def read_html(content: str) -> list[Section]:
    """Return the sections of the page's main part."""
    tree = LexborHTMLParser(content)
    title = tree.css_first("title")
    for node in tree.css(BOILERPLATE):
        node.decompose()
    root = tree.css_first("main, article, [role=main]") or tree.body
    outline = Outline()
    if root is None:
        return []
    if root.css_first("h1") is None and title is not None:
        outline.heading(1, title.text())
    _walk(root, outline)
    return outline.sections()


def _walk(node: LexborNode, outline: Outline) -> None:
    """Add each block's own text, inline elements included, as one block of the outline."""
    pending = ""
    for child in node.iter(include_text=True):
        tag = child.tag or ""
        if tag in HEADINGS or tag in BLOCKS or tag in ("pre", "tr"):
            outline.block(_tidy(pending))
            pending = ""
        if tag in HEADINGS:
            outline.heading(HEADINGS[tag], child.text().replace("¶", ""))
        elif tag == "pre":
            outline.block(code(child.text()))
        elif tag == "tr":
            cells = [_tidy(cell.text()) for cell in child.css("td, th")]
            outline.block(" | ".join(cell for cell in cells if cell))
        elif tag in BLOCKS:
            _walk(child, outline)
        elif tag == "br":
            pending += "\n"
        else:
            pending += child.text() or ""
    outline.block(_tidy(pending))


def _tidy(text: str) -> str:
    return " ".join(text.replace("¶", "").split())


def text_of_html(fragment: str) -> str:
    """Return the text of an HTML fragment inside another document."""
    body = LexborHTMLParser(fragment).body
    return _tidy(body.text(separator=" ")) if body is not None else ""
