"""The real embedding model: its files with random weights, and with the true weights where the extra is installed."""

import hashlib
import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import openai
import pytest

from loopback.model.errors import ApiError
from loopback.model.minilm import HEADS, MAX_TOKENS, NAME, PACKAGES, TOKENIZER, WEIGHTS, MiniLM
from loopback.model.routes import make_app
from loopback.serving import in_thread
from tests.model.random_bert import PlainBert, random_weights

tokenizers = pytest.importorskip("tokenizers", reason="requirements-embedder.txt is not installed")
pytest.importorskip("threadpoolctl", reason="requirements-embedder.txt is not installed")
safetensors = pytest.importorskip("safetensors.numpy", reason="requirements-embedder.txt is not installed")
with_true_weights = pytest.mark.skipif(
    find_spec(PACKAGES[0]) is None,
    reason="the true weights (requirements-embedder.txt) are not installed",
)
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "tea", "is", "hot", "cold", "kett", "##le", "cafe", "."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a checkpoint as Hugging Face does; like the published one, its tokenizer pads and truncates."""
    checkpoint = tmp_path_factory.mktemp("model")
    safetensors.save_file(random_weights(layers=2), checkpoint / WEIGHTS)
    ids = {word: number for number, word in enumerate(VOCABULARY)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(ids, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(checkpoint / TOKENIZER))
    return checkpoint


def model_of(folder: Path) -> MiniLM:
    published = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (WEIGHTS, TOKENIZER)}
    return MiniLM(folder, published, PACKAGES[1:])


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[openai.OpenAI]:
    with (
        in_thread(lambda: make_app({NAME: model_of(folder)})) as url,
        openai.OpenAI(base_url=f"{url}/v1/", api_key="any", max_retries=0, timeout=30) as client,
    ):
        yield client


def test_vectors_equal_those_of_the_reference_for_the_same_tokens(client: openai.OpenAI) -> None:
    texts = ["The KETTLE is hot.", "café tea", "", "unheard", "the tea " * 300]
    words = [[4, 9, 10, 6, 7, 12], [11, 5], [], [1], ([4, 5] * 300)[: MAX_TOKENS - 2]]
    plain = PlainBert(random_weights(layers=2), HEADS)

    answer = client.embeddings.create(model=NAME, input=texts)

    assert answer.model == NAME
    expected = [plain.vector([2, *word, 3]) for word in words]
    assert np.abs(np.array([item.embedding for item in answer.data]) - np.stack(expected)).max() < 1e-4


def test_vectors_come_back_in_the_order_of_the_texts(client: openai.OpenAI) -> None:
    texts = [f"{'tea ' * (number % 7)}{'hot ' * (number % 5)}" for number in range(40)]

    together = [item.embedding for item in client.embeddings.create(model=NAME, input=texts).data]

    for number in (0, 17, 39):
        alone = client.embeddings.create(model=NAME, input=texts[number]).data[0].embedding
        assert alone == pytest.approx(together[number], abs=1e-5)


@pytest.mark.parametrize("dimensions", [256, 1536])
def test_other_dimensions_are_refused(client: openai.OpenAI, dimensions: int) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=NAME, input="tea", dimensions=dimensions)

    assert refused.value.param == "dimensions"
    assert f"dimensions is {dimensions}: all-minilm-l6-v2 gives 384" in refused.value.message
    assert len(client.embeddings.create(model=NAME, input="tea", dimensions=384).data[0].embedding) == 384


def test_half_a_surrogate_pair_is_embedded_like_a_question_mark(folder: Path) -> None:
    broken, replaced = model_of(folder).embed(["tea \ud800", "tea ?"], None)

    assert broken.tolist() == pytest.approx(replaced.tolist(), abs=1e-6)


@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER])
def test_a_file_that_is_not_as_published_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    for file_name in (WEIGHTS, TOKENIZER):
        (tmp_path / file_name).write_bytes((folder / file_name).read_bytes())
    model = model_of(tmp_path)
    with (tmp_path / name).open("ab") as file:
        file.write(b" ")

    with pytest.raises(ApiError, match=f"{name} of 'all-minilm-l6-v2' is not as published: SHA-256 [0-9a-f]{{64}}"):
        model.embed(["tea"], None)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match=TOKENIZER):
        MiniLM(tmp_path, packages=PACKAGES[1:]).embed(["tea"], None)


@with_true_weights
def test_the_true_model_gives_the_published_similarities() -> None:
    """The expected figures are from the model card and the documentation of sentence-transformers."""
    texts = ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    texts += ["The new movie is awesome", "The new movie is so great"]

    person, dog, very, day, awesome, great = MiniLM().embed(texts, 384).astype(np.float64)

    assert [person @ dog, person @ very, person @ day] == pytest.approx([0.695, 0.943, 0.257], abs=1e-3)
    assert awesome @ great == pytest.approx(0.8939, abs=1e-4)
    assert math.isclose(person @ person, 1, abs_tol=1e-5)


@with_true_weights
def test_the_true_model_equals_the_reference_with_its_weights() -> None:
    spec = find_spec(PACKAGES[0])
    folder = Path(str(spec and spec.origin)).parent / "model"
    plain = PlainBert(safetensors.load_file(folder / WEIGHTS), HEADS)
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    texts = ["How do I stop waiting for a coroutine after some seconds?", "naïve Café 東京 — ☕", "x" * 300]

    vectors = MiniLM().embed(texts, None)

    expected = np.stack([plain.vector(tokenizer.encode(text).ids) for text in texts])
    assert np.abs(vectors - expected).max() < 1e-4
