"""Captions of pictures: their bytes, the task of data that have them, and the model that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data import DataError
from powertrain.nn import Embedding, Linear
from powertrain.plugin import Inputs, Model, Task, param
from powertrain_vision.errors import VisionError

WHERE = "captions"
PIECES = (3, 5)  # letters: some of a word, and short words with the spaces around them
ROWS = 4093  # a prime, by which the pieces are spread over the rows of a table
BASE = 257  # more than a byte has values, so that no two pieces of one length are the same number


class Captions(Task):
    """Pictures with captions: x is a picture, y the bytes of its caption, filled up with 0."""

    headline = "caption_recall@10"
    kept = False

    def check(self, dataset: Any) -> None:
        for part, source in dataset.splits.items():
            y = np.asarray(source.fetch(np.arange(min(len(source), 1000)))["y"])
            if y.ndim != 2 or y.dtype.kind not in "iu" or y.shape[1] != dataset.outputs or y.max() > 255 or y.min() < 0:
                raise DataError(
                    WHERE, f"targets of {part} are {y.dtype}{list(y.shape)}",
                    f"expected the bytes of captions, {dataset.outputs} of each",
                    "make them with powertrain_vision.captions.encoded",
                )  # fmt: skip


def encoded(captions: Sequence[str], context: int, names: Sequence[str] = ()) -> NDArray[np.int64]:
    """The bytes of captions, [captions, context], each between two spaces, and then zeros. `names` are
    what an error calls them.

    Errors    a caption that is empty, or has more than `context` bytes: DataError
    Example
        >>> from powertrain_vision.captions import decoded, encoded
        >>> encoded(["A red apple."], 16).tolist()[0][:4], decoded(encoded(["A red  apple.", "A dog."], 16))
        ([32, 65, 32, 114], ['A red apple.', 'A dog.'])
    """
    made = np.zeros((len(captions), context), np.int64)
    for row, caption in enumerate(captions):
        name = names[row] if names else f"caption {row:,}"
        text = " ".join(caption.replace("\0", " ").split())
        if not text:
            raise DataError(
                WHERE, f"{name} has no words", "expected one or more in each caption",
                "write what the picture shows, or leave it out",
            )  # fmt: skip
        found = f" {text} ".encode()
        if len(found) > context:
            shown = text if len(text) <= 40 else text[:40] + "..."
            raise DataError(
                WHERE, f"{name}, {shown!r}, has {len(found):,} bytes with a space on both sides",
                f"expected at most {context:,}, the context", "shorten it, or raise data.context and train again",
            )  # fmt: skip
        made[row, : len(found)] = np.frombuffer(found, np.uint8)
    return made


def decoded(y: NDArray[Any]) -> list[str]:
    """The captions of some bytes."""
    return [row.astype(np.uint8).tobytes().rstrip(b"\0").decode("utf-8", "replace").strip() for row in np.asarray(y)]


class CaptionEncoder(Model):
    """The mean of the vectors of a caption's pieces, a hidden layer, and a linear layer. Pieces are each three and each
    five bytes in a row, whether letters are small or capital. So a word that training never saw is not all unknown, and
    their order in the caption does not count.

    Example
        >>> from powertrain_vision.captions import CaptionEncoder, encoded
        >>> encoder = CaptionEncoder(outputs=8)
        >>> encoder(pt.asarray(encoded(["a red apple", "a dog"], 32))).shape
        (2, 8)
    """

    TORCH_FORWARD = f"""
        def forward(self, x):
            x = x.long()
            x = x + 32 * ((x >= 65) & (x <= 90))
            total, count = 0, 0
            for letters in {PIECES}:
                pieces = x.unfold(1, letters, 1)
                rows = sum(pieces[..., at] * {BASE} ** at for at in range(letters)) % {ROWS}
                real = (pieces[..., -1] > 0).float().unsqueeze(-1)
                total, count = total + (self.pieces(rows) * real).sum(1), count + real.sum(1)
            return self.head(F.relu(self.hidden(total / count.clamp(min=1))))
    """
    example_inputs = (Inputs(WHERE, (24,), 8, "int64", vocabulary=256),)

    @dataclass(frozen=True)
    class Params:
        width: int = param(128, low=1, doc="size of a piece's vector, and of the hidden layer")

    def __init__(self, outputs: int, params: Params | None = None) -> None:
        super().__init__()
        width = (params or self.Params()).width
        self.pieces = Embedding(ROWS, width)
        self.hidden = Linear(width, width)
        self.head = Linear(width, outputs)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> CaptionEncoder:
        if inputs.task != WHERE or len(inputs.shape) != 1 or inputs.shape[0] < max(PIECES):
            raise VisionError(
                f"[caption-encoder] examples of shape {list(inputs.shape)} of a {inputs.task} task; expected the bytes "
                f"of captions, {max(PIECES)} or more; it is the model.captions of clip"
            )
        return cls(inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        x = pt.astype(x, "int64")
        x = x + 32 * pt.astype(pt.logical_and(x >= 65, x <= 90), "int64")
        total, count = pt.zeros(()), pt.zeros(())
        for letters in PIECES:
            places = x.shape[1] - letters + 1
            rows = sum(x[:, at : at + places] * BASE**at for at in range(letters)) % ROWS
            real = pt.reshape(pt.astype(x[:, letters - 1 :] > 0, "float32"), (x.shape[0], places, 1))
            total, count = total + pt.sum(self.pieces(rows) * real, axis=1), count + pt.sum(real, axis=1)
        return self.head(pt.relu(self.hidden(total / pt.maximum(count, 1.0))))
