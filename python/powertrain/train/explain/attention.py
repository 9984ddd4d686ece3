"""Attention maps: how much each place of an example looks at each other one, in every layer and head."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
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


@dataclass(frozen=True, eq=False)
class Looked:
    """Where one layer looks, float32 [examples, heads, places, seen]; `elsewhere` is whether what it sees is another
    sequence than its own, such as that of an encoder."""

    values: NDArray[np.float32]
    elsewhere: bool = False


def attention(run: TrainRun, x: Array, folder: Path) -> Attention:
    """Of inputs as the model gets them, after the transforms."""
    found: dict[str, list[NDArray[np.float32]]] = {}
    for start in range(0, len(x), AT_ONCE):
        for name, one in looked(run, {"x": x[start : start + AT_ONCE]})[0].items():
            found.setdefault(name, []).append(one.values)
    if not found:
        raise RunError(
            "[explain] the model has no attention; expected pt.nn.TransformerBlock, pt.nn.MultiheadAttention or a "
            'module with attention_weights in it; take method="gradients", "occlusion", "permutation" or "nearest"'
        )
    vocabulary = run.dataset.vocabulary
    tokens = tuple(vocabulary.decode(x[0, at : at + 1]) for at in range(x.shape[1])) if vocabulary is not None else ()
    return Attention(tuple(np.concatenate(parts) for parts in found.values()), tuple(found), tokens, folder)


def attends(run: TrainRun) -> bool:
    """Whether a model of the run has a module whose attention can be looked at."""
    return any(_hook_of(part) for module in run.table.modules.values() for part in module.modules())


def looked(run: TrainRun, fields: Mapping[str, Array]) -> tuple[dict[str, Looked], Any]:
    """Each layer that looks, by its name, in the order of the pass, and what the pass gave: the answers to `x`, or,
    where `fields` has `y`, the strategy's own losses."""
    found: dict[str, Looked] = {}
    tensors = tuple(map(pt.tensor, fields.values()))
    with contextlib.ExitStack() as stack:
        for module in run.table.modules.values():
            for name, part in module.named_modules():
                if made := _hook_of(part):
                    stack.enter_context(made(found, name, part))
        stack.enter_context(evaluating(run.table.modules))
        through = run.strategy.losses if "y" in fields else run.strategy.predict
        answer = through(Step(), TracedBatch(tuple(fields), tensors))
    return found, answer


def _hook_of(part: Any) -> Callable[[dict[str, Looked], str, Any], Any] | None:
    if isinstance(part, TransformerBlock):
        return lambda found, name, block: block.qkv.register_forward_hook(_of_block(found, name, block))
    if isinstance(part, MultiheadAttention):
        return _hooked(_of_multihead)
    return _hooked(_of_offering) if callable(getattr(part, "attention_weights", None)) else None


def _hooked(look: Callable[..., Looked]) -> Callable[[dict[str, Looked], str, Any], Any]:
    """A look at a module before each of its calls, with the arguments of the call."""

    def register(found: dict[str, Looked], name: str, part: Any) -> Any:
        def hook(module: Any, args: Any, kwargs: Any) -> None:
            try:
                found[name] = look(module, args, kwargs)
            except pt.TraceError:
                raise RunError(
                    "[explain] the answers are made in a loop, within which attention cannot be looked at; expected "
                    'one pass through the model; take another method, such as "nearest"'
                ) from None

        return part.register_forward_pre_hook(hook, with_kwargs=True)

    return register


def _of_block(found: dict[str, Looked], name: str, block: TransformerBlock) -> Any:
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
        found[name] = Looked((shares / shares.sum(axis=-1, keepdims=True)).astype(np.float32))

    return hook


def _of_multihead(module: Any, args: Any, kwargs: Any) -> Looked:
    """What the module itself says, asked with its own arguments."""
    names = ("query", "key", "value", "key_padding_mask", "need_weights", "attn_mask", "average_attn_weights",
             "is_causal")  # fmt: skip
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    _, weights = module.forward(**{**given, "need_weights": True, "average_attn_weights": False})
    return Looked(weights.numpy(), given["key"] is not given["query"])


def _of_offering(module: Any, args: Any, kwargs: Any) -> Looked:
    return Looked(np.asarray(module.attention_weights(*args, **kwargs).numpy(), np.float32))


export(globals())
