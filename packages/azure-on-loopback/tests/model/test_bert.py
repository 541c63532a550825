"""The forward pass, compared with the reference implementation on random weights of the real model's shape."""

import numpy as np
import pytest

from loopback.model.bert import Array, Encoder, gelu
from tests.model.random_bert import HEADS, HIDDEN, POSITIONS, VOCABULARY, PlainBert, exact_gelu, random_weights

RANDOM = np.random.default_rng(3)
TEXTS = [RANDOM.integers(0, VOCABULARY, size=length).tolist() for length in (2, 256, 30, 1, 130, 7, 255, 64)]


@pytest.fixture(scope="module")
def weights() -> dict[str, Array]:
    return random_weights(layers=3)


@pytest.fixture(scope="module")
def encoder(weights: dict[str, Array]) -> Encoder:
    return Encoder(weights, HEADS)


def test_vectors_equal_those_of_the_reference(encoder: Encoder, weights: dict[str, Array]) -> None:
    plain = PlainBert(weights, HEADS)

    vectors = encoder.encode(TEXTS)

    assert vectors.shape == (len(TEXTS), HIDDEN)
    assert vectors.dtype == np.float32
    expected = np.stack([plain.vector(text) for text in TEXTS])
    assert np.abs(vectors - expected).max() < 1e-4
    assert np.abs(expected[0] - expected[1]).max() > 0.01, "texts with nearly equal vectors would prove nothing"


def test_a_text_has_the_same_vector_in_every_batch(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    backwards = encoder.encode(TEXTS[::-1])[::-1]

    for number, text in enumerate(TEXTS):
        alone = encoder.encode([text])[0]
        assert np.abs(alone - together[number]).max() < 1e-5
        assert np.abs(alone - backwards[number]).max() < 1e-5


def test_word_order_changes_the_vector(encoder: Encoder) -> None:
    one, other = encoder.encode([[5, 6, 7], [7, 6, 5]])

    assert np.abs(one - other).max() > 1e-3


def test_gelu_stays_within_its_stated_error() -> None:
    values = np.concatenate([np.linspace(-12, 12, 100_003), [-1e6, -300.0, 0.0, 300.0, 1e6]]).astype(np.float32)
    expected = np.vectorize(exact_gelu)(values.astype(np.float64))

    gelu(values)

    close = np.abs(values - expected)
    assert close[:-5].max() <= 2.6e-5
    assert values[-5:].tolist() == expected[-5:].tolist()


def test_a_missing_weight_is_named() -> None:
    incomplete = random_weights(layers=1)
    del incomplete["encoder.layer.0.output.dense.bias"]

    with pytest.raises(KeyError, match=r"encoder\.layer\.0\.output\.dense\.bias"):
        Encoder(incomplete, HEADS)


def test_a_text_may_fill_all_positions(encoder: Encoder) -> None:
    assert np.isfinite(encoder.encode([[1] * POSITIONS])).all()
