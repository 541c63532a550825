"""Exact cosine search over the vectors of one field, in memory."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
FIRST_CAPACITY = 1_024


class VectorField:
    """Unit vectors by row id. Exact: what is nearest is found, always."""

    def __init__(self, dimensions: int) -> None:
        self._rows: npt.NDArray[np.int64] = np.zeros(FIRST_CAPACITY, dtype=np.int64)
        self._vectors: Matrix = np.zeros((FIRST_CAPACITY, dimensions), dtype=np.float32)
        self._place: dict[int, int] = {}

    def put(self, row: int, vector: Matrix) -> None:
        place = self._place.get(row)
        if place is None:
            place = len(self._place)
            if place == len(self._rows):
                self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
                self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
            self._place[row] = place
            self._rows[place] = row
        self._vectors[place] = unit(vector)

    def remove(self, row: int) -> None:
        """The last vector takes the place of the one that goes."""
        place = self._place.pop(row, None)
        if place is None:
            return
        last = len(self._place)
        if place != last:
            self._rows[place] = self._rows[last]
            self._vectors[place] = self._vectors[last]
            self._place[int(self._rows[place])] = place

    def nearest(self, vector: Sequence[float], k: int, among: Collection[int] | None) -> list[tuple[int, float]]:
        """Row ids and cosines, nearest first; only of rows in `among`, if it is given."""
        if among is None:
            places = np.arange(len(self._place))
        else:
            places = np.array(sorted(self._place[row] for row in among if row in self._place), dtype=np.int64)
        if not len(places):
            return []
        chosen = self._vectors[: len(self._place)] if among is None else self._vectors[places]
        cosines = chosen @ unit(np.asarray(vector, dtype=np.float32))
        k = min(k, len(places))
        best = np.argpartition(-cosines, k - 1)[:k]
        rows = self._rows[places[best]]
        order = np.lexsort((rows, -cosines[best]))
        return [(int(rows[each]), float(cosines[best[each]])) for each in order]


def unit(vector: Matrix) -> Matrix:
    length = float(np.linalg.norm(vector))
    return vector if length == 0 else (vector / length).astype(np.float32)
