"""A small BERT with random weights, and a reference implementation that is easy to check by eye."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
HIDDEN, HEADS, INTERMEDIATE, VOCABULARY, POSITIONS = 384, 12, 1536, 60, 256


def random_weights(layers: int) -> dict[str, npt.NDArray[np.float32]]:
    """Make weights, by their names in a checkpoint.

    They are as large as trained ones, so that attention is uneven and GELU is far from linear.
    """
    shapes = {
        "embeddings.word_embeddings.weight": (VOCABULARY, HIDDEN),
        "embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        **_norm("embeddings"),
    }
    for layer in (f"encoder.layer.{number}" for number in range(layers)):
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _dense(f"{layer}.attention.{name}", HIDDEN, HIDDEN)
        shapes |= _dense(f"{layer}.intermediate.dense", INTERMEDIATE, HIDDEN)
        shapes |= _dense(f"{layer}.output.dense", HIDDEN, INTERMEDIATE)
        shapes |= _norm(f"{layer}.attention.output") | _norm(f"{layer}.output")
    random = np.random.default_rng(7)
    return {
        name: (random.standard_normal(shape) * 0.1 + name.endswith("LayerNorm.weight")).astype(np.float32)
        for name, shape in shapes.items()
    }


def _dense(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.LayerNorm.weight": (HIDDEN,), f"{name}.LayerNorm.bias": (HIDDEN,)}


class PlainBert:
    """BERT as the paper defines it: one text at a time, in double precision, with the exact error function."""

    def __init__(self, weights: Mapping[str, npt.NDArray[np.float32]], heads: int) -> None:
        self._weights = {name: weight.astype(np.float64) for name, weight in weights.items()}
        self._heads = heads

    def vector(self, tokens: list[int]) -> Numbers:
        """Return the mean of the text's tokens, scaled to length 1."""
        kind = "embeddings.{}_embeddings.weight".format
        x = self._weights[kind("word")][tokens] + self._weights[kind("position")][: len(tokens)]
        x = self._norm(x + self._weights[kind("token_type")][0], "embeddings")
        for number in range(sum("intermediate.dense.weight" in name for name in self._weights)):
            x = self._layer(x, f"encoder.layer.{number}")
        mean: Numbers = x.mean(axis=0)
        return mean / math.sqrt(mean @ mean)

    def _layer(self, x: Numbers, name: str) -> Numbers:
        attended = self._dense(self._attention(x, f"{name}.attention.self"), f"{name}.attention.output.dense")
        x = self._norm(x + attended, f"{name}.attention.output")
        intermediate = np.vectorize(exact_gelu)(self._dense(x, f"{name}.intermediate.dense"))
        return self._norm(x + self._dense(intermediate, f"{name}.output.dense"), f"{name}.output")

    def _attention(self, x: Numbers, name: str) -> Numbers:
        q, k, v = (self._dense(x, f"{name}.{part}") for part in ("query", "key", "value"))
        size = x.shape[1] // self._heads
        heads = []
        for head in (slice(start, start + size) for start in range(0, x.shape[1], size)):
            scores = np.exp(q[:, head] @ k[:, head].T / math.sqrt(size))
            heads.append(scores / scores.sum(axis=1, keepdims=True) @ v[:, head])
        return np.concatenate(heads, axis=1)

    def _dense(self, x: Numbers, name: str) -> Numbers:
        result: Numbers = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return result

    def _norm(self, x: Numbers, name: str) -> Numbers:
        x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-12)
        result: Numbers = x * self._weights[f"{name}.LayerNorm.weight"] + self._weights[f"{name}.LayerNorm.bias"]
        return result


def exact_gelu(x: float) -> float:
    return x / 2 * (1 + math.erf(x / math.sqrt(2)))
