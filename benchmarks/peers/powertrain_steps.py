"""The workloads in Powertrain, behind the interface of its peers. Variants: compiled (the default) and eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import powertrain as pt
from peers import smollm2
from powertrain.cli.bench.steps import training_step
from powertrain.optim import AdamW

VARIANTS = ("", "eager")
VERSION = f"powertrain {pt.__version__} ({pt.isa()})"


def training(name: str, variant: str, precision: str) -> Callable[[], Any]:
    return training_step(name, eager=variant == "eager", precision=precision)


def adamw(variant: str, weights: list[Any], gradients: list[Any]) -> Callable[[], Any]:
    """The gradients are values of slots that lie in one buffer, as a training step leaves them."""
    slots = [pt.nn.Parameter(pt.tensor(value)) for value in weights]
    optimizer = AdamW(slots, lr=1e-3, weight_decay=0.01)
    flat = pt.flat_like(optimizer.parts[0].values, "given")
    for view, value in zip(flat.views, gradients, strict=True):
        view.value = pt.tensor(value)
    return pt.compile(lambda: optimizer.update([view.value for view in flat.views]))


def product(variant: str, a: Any, b: Any, turn_a: bool, turn_b: bool, precision: str) -> Callable[[], Any]:
    dtype = "bfloat16" if precision == "bf16" else "float32"
    x, y = pt.tensor(a).astype(dtype), pt.tensor(b).astype(dtype)
    dots = "hardware" if precision == "bf16" else "exact"
    multiply = pt.compile(lambda x, y: pt.matmul(x.T if turn_a else x, y.T if turn_b else y, dots=dots))
    return lambda: multiply(x, y)


class Decoder:
    def __init__(self, batch: int, precision: str) -> None:
        from powertrain.nn.generation.decoders import CachedDecoder
        from powertrain_text import load

        self.model = load("smollm2", "bfloat16" if precision == "bf16" else "float32").model  # kept here alone
        self.decoder = CachedDecoder(self.model, batch, smollm2.CONTEXT)

    def begin(self) -> None:
        self.decoder.begin()

    def read(self, tokens: smollm2.Tokens) -> Any:
        return self.decoder.scores(list(tokens))


def generating(kind: str, batch: int, precision: str) -> Callable[[], Any]:
    return smollm2.timed(kind, batch, Decoder(batch, precision))


def wait(result: Any) -> None:
    """Powertrain's work is done when a call returns."""
