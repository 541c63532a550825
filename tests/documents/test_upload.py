"""Documents are uploaded as text or base64; errors name the field."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from murmuration.cli.documents import READABLE, batches, find_documents
from murmuration.contracts.documents import DocumentsRequest, DocumentUpload, StoredDocument
from murmuration.documents import SUFFIXES, chunk_documents
from tests.documents.test_pdf import TEA
from triggers.documents import _batches

ENCODED = base64.b64encode(TEA).decode()


def test_a_pdf_goes_from_the_folder_to_its_chunks(tmp_path: Path) -> None:
    (tmp_path / "tea.pdf").write_bytes(TEA)
    (tmp_path / "tea.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "package-lock.json").write_text("{}", encoding="utf-8")
    (tmp_path / "broken.pdf").write_bytes(TEA[:99])

    folder = find_documents([tmp_path])
    request = DocumentsRequest.model_validate({"documents": next(batches(folder.documents))})
    [batch] = _batches(request.documents)
    chunks, unreadable = chunk_documents(batch.documents)

    assert [(chunk.source, chunk.heading) for chunk in chunks] == [
        ("tea.pdf", "tea"), ("tea.py", "tea"),
    ]  # fmt: skip
    assert "page 1: Tea" in chunks[0].text
    assert [document.source for document in unreadable] == ["broken.pdf"]
    assert dict(folder.skipped) == {".json": 1}


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({}, "content", "is missing: send it, or content_base64"),
        ({"content": "x", "content_base64": "eA=="}, "content", "stands beside content_base64"),
        ({"content": "", "content_base64": ""}, "content", "stands beside content_base64"),
        ({"content_base64": "no base64"}, "content_base64", "is not base64"),
        ({"content_base64": "é"}, "content_base64", "is not base64"),
        ({"content": 1}, "content", "valid string"),
    ],
)
def test_an_error_names_the_field(fields: dict[str, Any], field: str, message: str) -> None:
    body = json.dumps({"documents": [{"source": "a.md", **fields}]})

    with pytest.raises(ValidationError, match=message) as problem:
        DocumentsRequest.model_validate_json(body, strict=True, extra="forbid")

    assert [error["loc"] for error in problem.value.errors()] == [("documents", 0, field)]


def test_documents_stored_before_base64_existed_are_still_read() -> None:
    assert DocumentUpload.model_validate({"source": "a", "content": "x"}).content_base64 is None
    assert StoredDocument.model_validate({"source": "a", "content": "x"}).content_base64 is None


def test_the_command_line_sends_every_readable_kind() -> None:
    assert set(READABLE) == set(SUFFIXES)


def test_a_cold_import_loads_no_pdf_library() -> None:
    code = "import sys, function_app; print('pypdf' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})  # noqa: S603

    assert done.stdout.strip() == "False"
