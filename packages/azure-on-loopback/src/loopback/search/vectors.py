"""Exact cosine search over the vectors of one field, in a memory-mapped file: unit vectors by row number.

The file is written before the transaction that makes its rows count commits; rows of no committed document are
never looked at. The system's page cache, not this process, holds what is read.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loopback.search.disk import LENGTHS, VECTORS
from loopback.search.problems import Damaged

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
FIRST_CAPACITY = 1_024
BLOCK = 65_536
"""Rows whose cosines are computed at a time: 96 MiB at 384 dimensions."""


class VectorField:
    """Vectors of `dimensions` numbers, and their lengths; length 0 says that a row has none."""

    def __init__(self, folder: Path, name: str, dimensions: int, rows: int, *, new: bool = False) -> None:
        """`rows`: as many as have been written. Raises `Damaged` naming a file in which some of them are not."""
        self.files = (folder / f"{name}{VECTORS}", folder / f"{name}{LENGTHS}")
        self._dimensions = dimensions
        if new:
            for path in self.files:
                path.unlink(missing_ok=True)
        self._open(max(FIRST_CAPACITY, rows) if new else self._kept(rows))

    def _kept(self, rows: int) -> int:
        """For how many rows there is room in both files."""
        sizes = [path.stat().st_size if path.exists() else 0 for path in self.files]
        room = [sizes[0] // (4 * self._dimensions), sizes[1] // 4]
        for path, there in zip(self.files, room, strict=True):
            if there < max(rows, 1):
                raise Damaged(path)
        return min(room)

    def _open(self, rows: int) -> None:
        """Map the files with room for `rows`; what is new is a hole and reads as zeros."""
        for path, width in zip(self.files, (self._dimensions, 1), strict=True):
            with path.open("ab") as file:
                file.truncate(rows * width * 4)
        self._vectors: Matrix = np.memmap(self.files[0], np.float32, "r+", shape=(rows, self._dimensions))
        self._lengths: Matrix = np.memmap(self.files[1], np.float32, "r+", shape=(rows,))

    def make_room(self, rows: int) -> None:
        """Before rows are used, with a vector or without: then a file that is too short has lost something."""
        if rows > len(self._lengths):
            self._open(max(2 * len(self._lengths), rows))

    def put(self, rows: list[int], vectors: Matrix) -> None:
        """Raw vectors, one for each row; none of them is all zeros."""
        if not len(rows):
            return
        lengths = np.linalg.norm(vectors, axis=1)
        self._vectors[rows] = vectors / lengths[:, None]
        self._lengths[rows] = lengths

    def clear(self, rows: list[int]) -> None:
        """Before rows are used: what an undone transaction left there must not count."""
        self._lengths[rows] = 0

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

    def copy(self, folder: Path, name: str, rows: Rows) -> None:
        """Files for another `VectorField` with these rows, which are numbered from 1 there."""
        for suffix, source in ((VECTORS, self._vectors), (LENGTHS, self._lengths)):
            with (folder / f"{name}{suffix}").open("wb") as file:
                np.zeros_like(source[:1]).tofile(file)
                for start in range(0, len(rows), BLOCK):
                    source[rows[start : start + BLOCK]].tofile(file)
                file.flush()
                os.fsync(file.fileno())


def _best(rows: Rows, scores: Matrix, k: int) -> list[tuple[int, float]]:
    if len(rows) > k:
        some = np.argpartition(-scores, k - 1)[:k]
        rows, scores = rows[some], scores[some]
    order = np.lexsort((rows, -scores))
    return [(int(rows[each]), float(scores[each])) for each in order]
