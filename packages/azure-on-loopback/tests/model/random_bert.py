"""A small BERT with random weights, and the plainest way to run it."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
HIDDEN, HEADS, WIDE, WORDS, PLACES = 384, 12, 1536, 60, 256


def random_weights(layers: int) -> dict[str, npt.NDArray[np.float32]]:
    """By their names in a checkpoint; as large as trained ones are, so that attention is uneven and GELU is bent."""
    shapes = {
        "embeddings.word_embeddings.weight": (WORDS, HIDDEN),
        "embeddings.position_embeddings.weight": (PLACES, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        **_norm("embeddings"),
    }
    for layer in (f"encoder.layer.{number}" for number in range(layers)):
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _dense(f"{layer}.attention.{name}", HIDDEN, HIDDEN)
        shapes |= _dense(f"{layer}.intermediate.dense", WIDE, HIDDEN) | _dense(f"{layer}.output.dense", HIDDEN, WIDE)
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
    """One text at a time, in double precision, with the error function itself, as the paper has it."""

    def __init__(self, weights: Mapping[str, npt.NDArray[np.float32]], heads: int) -> None:
        self._weights = {name: weight.astype(np.float64) for name, weight in weights.items()}
        self._heads = heads

    def vector(self, tokens: list[int]) -> Numbers:
        """The mean of the text's tokens, of length 1."""
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
        wide = self._dense(x, f"{name}.intermediate.dense")
        wide = np.vectorize(exact_gelu)(wide)
        return self._norm(x + self._dense(wide, f"{name}.output.dense"), f"{name}.output")

    def _attention(self, x: Numbers, name: str) -> Numbers:
        q, k, v = (self._dense(x, f"{name}.{each}") for each in ("query", "key", "value"))
        size = x.shape[1] // self._heads
        heads = []
        for one in (slice(start, start + size) for start in range(0, x.shape[1], size)):
            scores = np.exp(q[:, one] @ k[:, one].T / math.sqrt(size))
            heads.append(scores / scores.sum(axis=1, keepdims=True) @ v[:, one])
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
