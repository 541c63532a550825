"""PDFs are split by page and outline; an unreadable one gets a reason."""

import io
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from murmuration.documents import UnreadableDocument, chunk, pdf, read_document

REAL = [
    path
    for path in (
        Path("/usr/share/doc/libtasn1-doc/libtasn1.pdf"),
        Path("/usr/share/doc/shared-mime-info/shared-mime-info-spec.pdf"),
    )
    if path.exists()
]


def minimal(*pages: str) -> bytes:
    """Return a hand-written PDF with each page's lines in Helvetica."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, page in enumerate(pages):
        operators = " ".join(f"({line}) Tj 0 -14 Td" for line in page.splitlines())
        text = f"BT /F1 12 Tf 72 720 Td {operators} ET"
        fonts = "<< /Font << /F1 3 0 R >> >>"
        box = "/MediaBox [0 0 612 792]"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} /Resources {fonts} /Contents {5 + 2 * number} 0 R >>")
        objects.append(f"<< /Length {len(text)} >>\nstream\n{text}\nendstream")
    content, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n"
    rows = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}"
    end = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(content)}\n%%EOF\n"
    return (content + table + end).encode()


def rewritten(content: bytes, *, key: str = "", outline: bool = False) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    if outline:
        tea = writer.add_outline_item(title="Tea", page_number=0)
        writer.add_outline_item(title="Water", page_number=0, parent=tea)
        writer.add_outline_item(title="Cups", page_number=1)
        writer.add_metadata({"/Title": "The book"})
    if key:
        writer.encrypt(key, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


TEA = minimal("Tea\nTea is hot.\nWater\nWater boils.", "Cups hold tea.")


def test_pages_head_their_text() -> None:
    sections = [(section.headings, section.text) for section in read_document("a/book.pdf", TEA).sections]

    assert sections == [
        (("book", "page 1"), "Tea\nTea is hot.\nWater\nWater boils."),
        (("book", "page 2"), "Cups hold tea."),
    ]


def test_the_outline_divides_pages_where_its_titles_stand() -> None:
    document = read_document("book.pdf", rewritten(TEA, outline=True))

    assert document.title == "The book"
    assert [(section.headings[1:], section.text) for section in document.sections] == [
        (("Tea", "page 1"), "Tea\nTea is hot."),
        (("Tea", "Water", "page 1"), "Water\nWater boils."),
        (("Cups", "page 2"), "Cups hold tea."),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the PDF is broken"),
        (b"no PDF at all", "the PDF is broken"),
        (TEA[:200], "the PDF is broken"),
        (rewritten(TEA, key="secret"), "the PDF is encrypted"),
        (minimal(""), "it holds no text"),
        ("text", "a PDF is no text"),
    ],
)
def test_an_unreadable_pdf_gets_a_reason(content: bytes | str, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason) as problem:
        read_document("a.pdf", content)

    assert problem.value.source == "a.pdf"
    assert "\n" not in problem.value.reason


@pytest.mark.parametrize("broken", range(0, len(TEA), 37))
def test_a_damaged_pdf_is_read_or_refused(broken: int) -> None:
    try:
        chunk(read_document("a.pdf", TEA[:broken] + b"\xff<<[" + TEA[broken + 4 :]))
    except UnreadableDocument as problem:
        assert problem.reason  # noqa: PT017 - either is fine, a crash is not


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("MAX_PAGES", 1, "has 2 pages, at most 1"),
        ("MAX_SECONDS", -1.0, "takes over"),
        ("MAX_CHARACTERS", 10, "over 10 characters"),
        ("MAX_PAGE_BYTES", 10, "over 10 bytes"),
    ],
)
def test_time_and_size_are_bounded(monkeypatch: pytest.MonkeyPatch, limit: str, value: float, reason: str) -> None:
    monkeypatch.setattr(pdf, limit, value)

    with pytest.raises(UnreadableDocument, match=reason):
        read_document("a.pdf", TEA)


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_pdfs_keep_their_outline(path: Path) -> None:
    document = read_document(path.name, path.read_bytes())

    assert len(document.sections) > 20
    assert any(len(section.headings) >= 4 and section.headings[-1].startswith("page ") for section in document.sections)
    assert chunk(document) == chunk(read_document(path.name, path.read_bytes()))
