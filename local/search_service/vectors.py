"""Exact cosine search over the vectors of one field, in a memory-mapped file: unit vectors by row number.

The file is written before the transaction that makes its rows count commits; rows of no committed document are
never looked at. The system's page cache, not this process, holds what is read.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
FIRST_CAPACITY = 1_024
BLOCK = 65_536
"""Rows whose cosines are computed at a time: 96 MiB at 384 dimensions."""


class VectorField:
    """Vectors of `dimensions` numbers, and their lengths; length 0 says that a row has none."""

    def __init__(self, folder: Path, name: str, dimensions: int) -> None:
        self._files = (folder / f"{name}.vectors", folder / f"{name}.lengths")
        self._dimensions = dimensions
        self._open(max(FIRST_CAPACITY, self._kept()))

    def _kept(self) -> int:
        return self._files[1].stat().st_size // 4 if self._files[1].exists() else 0

    def _open(self, rows: int) -> None:
        """Map the files with room for `rows`; what is new is a hole and reads as zeros."""
        for path, width in zip(self._files, (self._dimensions, 1), strict=True):
            with path.open("ab") as file:
                file.truncate(rows * width * 4)
        self._vectors: Matrix = np.memmap(self._files[0], np.float32, "r+", shape=(rows, self._dimensions))
        self._lengths: Matrix = np.memmap(self._files[1], np.float32, "r+", shape=(rows,))

    def put(self, rows: Sequence[int], vectors: Matrix) -> None:
        """Raw vectors, one for each row; none of them is all zeros."""
        if not len(rows):
            return
        if max(rows) >= len(self._lengths):
            self._open(max(2 * len(self._lengths), max(rows) + 1))
        lengths = np.linalg.norm(vectors, axis=1)
        self._vectors[rows] = vectors / lengths[:, None]
        self._lengths[rows] = lengths

    def clear(self, rows: Sequence[int]) -> None:
        """Before rows are used: what an undone transaction left there must not count."""
        there = [row for row in rows if row < len(self._lengths)]
        self._lengths[there] = 0

    def get(self, row: int) -> Matrix | None:
        """The vector as it was given, to the precision of a float32."""
        if row >= len(self._lengths) or not self._lengths[row]:
            return None
        return np.asarray(self._vectors[row] * self._lengths[row])

    def nearest(self, vector: Sequence[float], k: int, among: Mask, sparse: Rows | None) -> list[tuple[int, float]]:
        """Row numbers and cosines, nearest first. `among` tells which rows count; `sparse` lists them if they are few.

        All are compared: what is nearest is found, always.
        """
        wanted = np.asarray(vector, np.float32)
        wanted = wanted / np.linalg.norm(wanted)
        rows = len(self._lengths)
        if sparse is not None:
            chosen = sparse[sparse < rows]
            chosen = chosen[self._lengths[chosen] > 0]
            cosines = self._vectors[chosen] @ wanted
        else:
            used = min(rows, len(among))
            chosen = np.flatnonzero(among[:used] & (self._lengths[:used] > 0))
            cosines = self._all(wanted, used)[chosen]
        return _best(chosen, cosines, k)

    def _all(self, wanted: Matrix, used: int) -> Matrix:
        parts = [self._vectors[start : min(start + BLOCK, used)] @ wanted for start in range(0, used, BLOCK)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def delete(self) -> None:
        for path in self._files:
            path.unlink(missing_ok=True)


def _best(rows: Rows, scores: Matrix, k: int) -> list[tuple[int, float]]:
    if len(rows) > k:
        some = np.argpartition(-scores, k - 1)[:k]
        rows, scores = rows[some], scores[some]
    order = np.lexsort((rows, -scores))
    return [(int(rows[each]), float(scores[each])) for each in order]
