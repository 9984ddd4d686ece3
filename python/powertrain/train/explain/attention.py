"""Attention maps: how much each place of an example looks at each other one, in every layer and head."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.errors.boundary import export
from powertrain.nn import MultiheadAttention, TransformerBlock
from powertrain.train.evaluate.evaluation import evaluating
from powertrain.train.explain.explanation import Explanation
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.step import Step, TracedBatch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.train.run.train_run import TrainRun
    from powertrain.typing import Array

NAMED = 40  # places whose names fit beside a picture
AT_ONCE = 32  # examples that go through the model together: what is inside of it grows with them


@dataclass(frozen=True, eq=False)
class Attention(Explanation):
    """Where a model with attention looks.

    * `values`: one array for each layer, float32 [examples, heads, places, places]: a row is where that place
      looks, and adds up to 1.
    * `layers`: the names of the layers in the model.
    * `tokens`: of texts, what stands at each place of the first example.
    """

    values: tuple[NDArray[np.float32], ...] = field(repr=False)
    layers: tuple[str, ...]
    tokens: tuple[str, ...] = field(repr=False)
    folder: Path = field(repr=False)
    method: str = "attention"

    def draw(self, figure: Figure) -> None:
        """The first example: each layer, the mean of its heads."""
        across = min(4, len(self.values))
        rows = -(-len(self.values) // across)
        figure.set_size_inches(3.4 * across, 3.4 * rows)
        for at, (name, values) in enumerate(zip(self.layers, self.values, strict=True), 1):
            axes = figure.add_subplot(rows, across, at)
            axes.imshow(values[0].mean(axis=0), cmap="viridis", vmin=0)
            axes.set_title(name.replace("$", r"\$"), fontsize=8)
            if 0 < len(self.tokens) <= NAMED:
                named = [token.replace("$", r"\$") for token in self.tokens]
                axes.set_xticks(range(len(named)), named, rotation=90, fontsize=6)
                axes.set_yticks(range(len(named)), named, fontsize=6)
            else:
                axes.set_xlabel("looks at", fontsize=8)
                axes.set_ylabel("place", fontsize=8)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {list(one.shape)}" for name, one in zip(self.layers, self.values, strict=True))
        return f"Attention({shapes})"


def attention(run: TrainRun, x: Array, folder: Path) -> Attention:
    """Of inputs as the model gets them, after the transforms."""
    piece: dict[str, Any] = {}  # what the hooks see of some examples
    found: dict[str, list[NDArray[np.float32]]] = {}
    with contextlib.ExitStack() as stack:
        for module in run.table.modules.values():
            for name, part in module.named_modules():
                if isinstance(part, TransformerBlock):
                    stack.enter_context(part.qkv.register_forward_hook(_of_block(piece, name, part)))
                elif isinstance(part, MultiheadAttention):
                    stack.enter_context(part.register_forward_pre_hook(_of_module(piece, name), with_kwargs=True))
        stack.enter_context(evaluating(run.table.modules))
        for start in range(0, len(x), AT_ONCE):
            run.strategy.predict(Step(), TracedBatch(("x",), (pt.tensor(x[start : start + AT_ONCE]),)))
            for name, values in piece.items():
                found.setdefault(name, []).append(values)
    if not found:
        raise RunError(
            "[explain] the model has no attention; expected pt.nn.TransformerBlock or pt.nn.MultiheadAttention in it; "
            'take method="gradients", "occlusion", "permutation" or "nearest"'
        )
    vocabulary = run.dataset.vocabulary
    tokens = tuple(vocabulary.decode(x[0, at : at + 1]) for at in range(x.shape[1])) if vocabulary is not None else ()
    return Attention(tuple(np.concatenate(parts) for parts in found.values()), tuple(found), tokens, folder)


def _of_block(found: dict[str, Any], name: str, block: TransformerBlock) -> Any:
    """What a block's queries and keys make of each other, from what its first layer gives."""

    def hook(module: Any, args: Any, output: Any) -> None:
        batch, time, triple = output.shape
        heads = block.heads
        q, k, _ = np.split(output.numpy().astype(np.float64), 3, axis=2)
        q, k = (one.reshape(batch, time, heads, -1).transpose(0, 2, 1, 3) for one in (q, k))
        scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(triple // 3 // heads)
        if block.causal:
            scores = np.where(np.tri(time, dtype=bool), scores, -np.inf)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        found[name] = (shares / shares.sum(axis=-1, keepdims=True)).astype(np.float32)

    return hook


def _of_module(found: dict[str, Any], name: str) -> Any:
    """What the module itself says, asked with its own arguments."""

    def hook(module: Any, args: Any, kwargs: Any) -> None:
        names = ("query", "key", "value", "key_padding_mask", "need_weights", "attn_mask", "average_attn_weights",
                 "is_causal")  # fmt: skip
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        _, weights = module.forward(**{**given, "need_weights": True, "average_attn_weights": False})
        try:
            found[name] = weights.numpy()
        except pt.TraceError:
            raise RunError(
                "[explain] the answers are made in a loop, within which attention cannot be looked at; expected one "
                'pass through the model; take another method, such as "nearest"'
            ) from None

    return hook


export(globals())
