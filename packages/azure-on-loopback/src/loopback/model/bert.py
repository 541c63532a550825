"""The forward pass of a BERT encoder in numpy: texts as token ids in, one unit vector per text out.

The texts of a batch are laid end to end, so nothing is padded and nothing is masked. Layers that work on single tokens
are one matrix product for the whole batch, and attention runs text by text. A text's vector is therefore the same in
every batch, but for rounding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
LAYER_NORM_EPSILON = 1e-12
BATCH_TOKENS = 512
"""The size of a batch; its widest array then stays in the processor's caches."""


@dataclass(frozen=True)
class Layer:
    """The weights of one layer, as (inputs, outputs); those of queries are scaled by 1/sqrt(size of a head)."""

    qkv: Array
    qkv_bias: Array
    attention_output: Array
    attention_output_bias: Array
    attention_norm: tuple[Array, Array]
    intermediate: Array
    intermediate_bias: Array
    output: Array
    output_bias: Array
    output_norm: tuple[Array, Array]


class Encoder:
    """A BERT encoder with mean pooling.

    `weights` are named as in the checkpoints of Hugging Face; raises `KeyError` when one is missing.
    """

    def __init__(self, weights: Mapping[str, Array], heads: int) -> None:
        self._heads = heads
        self._words = weights["embeddings.word_embeddings.weight"]
        # A text stands alone, not in a pair: its tokens are all of the first type.
        self._positions = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _norm(weights, "embeddings")
        count = sum(name.endswith(".attention.self.query.weight") for name in weights)
        self._layers = [_layer(weights, f"encoder.layer.{number}", heads) for number in range(count)]

    def encode(self, texts: Sequence[Sequence[int]]) -> Array:
        """Return unit vectors, (texts, hidden size): the mean of each text's tokens. No text may be empty."""
        vectors = np.empty((len(texts), self._words.shape[1]), dtype=np.float32)
        for start, end in _batches([len(text) for text in texts]):
            vectors[start:end] = self._means(texts[start:end])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _means(self, texts: Sequence[Sequence[int]]) -> Array:
        lengths = [len(text) for text in texts]
        ends = np.cumsum([0, *lengths])
        hidden = self._words[np.concatenate(texts)]
        hidden += self._positions[np.concatenate([np.arange(length) for length in lengths])]
        _normalise(hidden, self._norm)
        bounds = list(pairwise(ends.tolist()))
        for layer in self._layers:
            hidden = _apply(layer, hidden, bounds, self._heads)
        means: Array = np.add.reduceat(hidden, ends[:-1], axis=0)
        means /= np.array(lengths, dtype=np.float32)[:, None]
        return means


def _batches(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Split the texts into runs of about `BATCH_TOKENS` tokens; returns where each begins and ends."""
    bounds, tokens = [0], 0
    for index, length in enumerate(lengths):
        if tokens and tokens + length > BATCH_TOKENS:
            bounds.append(index)
            tokens = 0
        tokens += length
    return list(pairwise([*bounds, len(lengths)]))


def _apply(layer: Layer, hidden: Array, bounds: Sequence[tuple[int, int]], heads: int) -> Array:
    qkv = hidden @ layer.qkv
    qkv += layer.qkv_bias
    attended: Array = _attend(qkv, bounds, heads) @ layer.attention_output
    attended += layer.attention_output_bias
    attended += hidden
    _normalise(attended, layer.attention_norm)
    intermediate: Array = attended @ layer.intermediate
    intermediate += layer.intermediate_bias
    for start in range(0, len(intermediate), 64):  # blocks of 64 rows stay in the cache
        gelu(intermediate[start : start + 64])
    output: Array = intermediate @ layer.output
    output += layer.output_bias
    output += attended
    _normalise(output, layer.output_norm)
    return output


def _attend(qkv: Array, bounds: Sequence[tuple[int, int]], heads: int) -> Array:
    """Let the tokens of each text attend to each other: softmax(Q Kᵀ) V in each head."""
    context = np.empty((len(qkv), qkv.shape[1] // 3), dtype=np.float32)
    for start, end in bounds:
        queries, keys, values = qkv[start:end].reshape(end - start, 3, heads, -1).transpose(1, 2, 0, 3)
        scores = queries @ keys.transpose(0, 2, 1)
        scores -= scores.max(axis=2, keepdims=True)
        np.exp(scores, out=scores)
        head_outputs = context[start:end].reshape(end - start, heads, -1).transpose(1, 0, 2)
        np.matmul(scores, values, out=head_outputs)
        head_outputs /= scores.sum(axis=2, keepdims=True)
    return context


def gelu(values: Array) -> None:
    """Replace each x by x/2 (1 + erf(x/√2)), in place, with an error of at most 2.6e-5 everywhere.

    erf(x/√2) is approximated by tanh(x (a + b x² + c x⁴)), whose coefficients were fitted. Beyond |x| = 5 the
    polynomial is held at its value there, where tanh is 1.
    """
    squares = np.minimum(values * values, np.float32(25))
    inner = squares * np.float32(-3.51518368e-4)
    inner += np.float32(3.70056461e-2)
    inner *= squares
    inner += np.float32(7.97507888e-1)
    inner *= values
    np.tanh(inner, out=inner)
    inner += np.float32(1)
    values *= inner
    values *= np.float32(0.5)


def _normalise(rows: Array, norm: tuple[Array, Array]) -> None:
    """Apply layer normalisation, in place."""
    weight, bias = norm
    rows -= rows.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", rows, rows)[:, None] / np.float32(rows.shape[1])
    rows /= np.sqrt(variance + np.float32(LAYER_NORM_EPSILON))
    rows *= weight
    rows += bias


def _layer(weights: Mapping[str, Array], prefix: str, heads: int) -> Layer:
    def dense(name: str) -> tuple[Array, Array]:
        return weights[f"{prefix}.{name}.weight"].T, weights[f"{prefix}.{name}.bias"]

    (query, query_bias), (key, key_bias), (value, value_bias) = (
        dense(f"attention.self.{name}") for name in ("query", "key", "value")
    )
    scale = np.float32((query.shape[1] // heads) ** -0.5)
    return Layer(
        np.concatenate([query * scale, key, value], axis=1),
        np.concatenate([query_bias * scale, key_bias, value_bias]),
        *dense("attention.output.dense"),
        _norm(weights, f"{prefix}.attention.output"),
        *dense("intermediate.dense"),
        *dense("output.dense"),
        _norm(weights, f"{prefix}.output"),
    )


def _norm(weights: Mapping[str, Array], prefix: str) -> tuple[Array, Array]:
    return weights[f"{prefix}.LayerNorm.weight"], weights[f"{prefix}.LayerNorm.bias"]
