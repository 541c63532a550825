"""Exact cosine search over the vectors of one field: unit vectors by row number, in a memory-mapped file.

A vector is written to the file before the transaction commits that inserts its row; vectors without a committed row are
never read. The pages are in the system's cache, not in this process.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loopback.search.disk import LENGTHS, VECTORS
from loopback.search.errors import DamagedFile

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
MIN_CAPACITY = 1_024
BLOCK_ROWS = 65_536
"""Rows whose cosines are computed at a time: 96 MiB at 384 dimensions."""


class VectorField:
    """The vectors of a field, and their lengths; a row of length 0 has no vector."""

    def __init__(self, folder: Path, name: str, dimensions: int, rows: int, *, new: bool = False) -> None:
        """Map the files, for `rows` rows at least; raises `DamagedFile` when an old file is too short for them."""
        self.files = (folder / f"{name}{VECTORS}", folder / f"{name}{LENGTHS}")
        self._dimensions = dimensions
        if new:
            for path in self.files:
                path.unlink(missing_ok=True)
        self._open(max(MIN_CAPACITY, rows) if new else self._capacity(rows))

    def _capacity(self, rows: int) -> int:
        """Return the number of rows that both files have room for."""
        sizes = [path.stat().st_size if path.exists() else 0 for path in self.files]
        room = [sizes[0] // (4 * self._dimensions), sizes[1] // 4]
        for path, capacity in zip(self.files, room, strict=True):
            if capacity < max(rows, 1):
                raise DamagedFile(path)
        return min(room)

    def _open(self, rows: int) -> None:
        """Map the files with room for `rows`; the new part is a hole and reads as zeros."""
        for path, width in zip(self.files, (self._dimensions, 1), strict=True):
            with path.open("ab") as file:
                file.truncate(rows * width * 4)
        self._vectors: Matrix = np.memmap(self.files[0], np.float32, "r+", shape=(rows, self._dimensions))
        self._lengths: Matrix = np.memmap(self.files[1], np.float32, "r+", shape=(rows,))

    def make_room(self, rows: int) -> None:
        """Grow the files for rows that are about to be used, with a vector or without.

        So a file is too short only when it is damaged.
        """
        if rows > len(self._lengths):
            self._open(max(2 * len(self._lengths), rows))

    def put(self, rows: list[int], vectors: Matrix) -> None:
        """Store one vector per row; none of them is all zeros."""
        if not len(rows):
            return
        lengths = np.linalg.norm(vectors, axis=1)
        self._vectors[rows] = vectors / lengths[:, None]
        self._lengths[rows] = lengths

    def clear(self, rows: list[int]) -> None:
        """Clear rows that are about to be used without a vector: a rolled-back transaction may have left one there."""
        self._lengths[rows] = 0

    def get(self, row: int) -> Matrix | None:
        """Return the vector as it was written, to the precision of a float32."""
        if row >= len(self._lengths) or not self._lengths[row]:
            return None
        return np.asarray(self._vectors[row] * self._lengths[row])

    def nearest(self, vector: Sequence[float], k: int, mask: Mask, few: Rows | None) -> list[tuple[int, float]]:
        """Return the `k` nearest rows and their cosines, nearest first. All vectors are compared.

        `mask` says which rows count; `few` lists these rows where they are few.
        """
        query = np.asarray(vector, np.float32)
        query = query / np.linalg.norm(query)
        rows = len(self._lengths)
        if few is not None:
            candidates = few[few < rows]
            candidates = candidates[self._lengths[candidates] > 0]
            cosines = self._vectors[candidates] @ query
        else:
            used = min(rows, len(mask))
            candidates = np.flatnonzero(mask[:used] & (self._lengths[:used] > 0))
            cosines = self._cosines(query, used)[candidates]
        return _best(candidates, cosines, k)

    def _cosines(self, query: Matrix, used: int) -> Matrix:
        parts = [self._vectors[start : min(start + BLOCK_ROWS, used)] @ query for start in range(0, used, BLOCK_ROWS)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def copy_to(self, folder: Path, name: str, rows: Rows) -> None:
        """Write the files of another `VectorField` with these rows, which are numbered from 1 there."""
        for suffix, source in ((VECTORS, self._vectors), (LENGTHS, self._lengths)):
            with (folder / f"{name}{suffix}").open("wb") as file:
                np.zeros_like(source[:1]).tofile(file)
                for start in range(0, len(rows), BLOCK_ROWS):
                    source[rows[start : start + BLOCK_ROWS]].tofile(file)
                file.flush()
                os.fsync(file.fileno())


def _best(rows: Rows, scores: Matrix, k: int) -> list[tuple[int, float]]:
    if len(rows) > k:
        top = np.argpartition(-scores, k - 1)[:k]
        rows, scores = rows[top], scores[top]
    order = np.lexsort((rows, -scores))
    return [(int(rows[index]), float(scores[index])) for index in order]
