"""The sum of per-example gradients, each clipped to a norm, at little more than the cost of one gradient.

One pass forward keeps what goes into each layer and what comes out of it. One pass backward gives the gradients by the
outputs. From both follow, layer by layer, the norms of the per-example gradients, and then their weighted sum. No
second pass backward is needed (book-keeping: Bu et al. 2023).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain_privacy.errors import PrivacyError
from powertrain_privacy.layer_gradients import gradient_of, trainable


@dataclass(frozen=True)
class Call:
    """One call of a layer: its arguments and its output, whose tensors have one row for each example.

    That of an `Unembedding` has no parameters of its own, but those of the embedding whose path is `table`.
    """

    path: str
    layer: pt.nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any
    table: str | None = None

    @property
    def name(self) -> str:
        return self.path or "the model"


class Calls:
    """The layers of a model that have trainable parameters, and their calls while `kept()` is open."""

    def __init__(self, model: pt.nn.Module) -> None:
        self._layers = {path: layer for path, layer in model.named_modules() if trainable(layer)}
        self._paths = {id(layer): path for path, layer in self._layers.items()}
        self._tables = {
            id(layer.weight): path for path, layer in self._layers.items() if type(layer) is pt.nn.Embedding
        }
        self._kept: list[Call] | None = None
        self._refuse_shared()
        for layer in self._layers.values():
            layer.register_forward_hook(self._called, with_kwargs=True)
        for path, layer in model.named_modules():
            if type(layer) is pt.nn.Unembedding:
                self._paths[id(layer)] = path
                layer.register_forward_hook(self._scored)

    def _refuse_shared(self) -> None:
        owners: dict[int, str] = {}
        for path, layer in self._layers.items():
            for name, slot in trainable(layer).items():
                if (other := owners.setdefault(id(slot), path)) != path:
                    raise PrivacyError(
                        f"[dp-sgd] {path}.{name} is a parameter of {other} too; expected one layer for each, whose "
                        "gradient per example is then known; give them parameters of their own"
                    )

    def _called(self, layer: pt.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        if self._kept is None:
            return
        if isinstance(output, tuple) and output[1:] == (None,) * (len(output) - 1):  # attention without its weights
            output = output[0]
        given = inspect.signature(layer.forward).bind(*args, **kwargs)
        self._kept.append(Call(self._paths[id(layer)], layer, given.args, given.kwargs, output))

    def _scored(self, layer: pt.nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """By a table that no embedding of the model has, no parameter that is trained here gets a gradient, or
        `DPSGD.missed` finds it."""
        table = self._tables.get(id(args[1])) if len(args) == 2 else None
        if self._kept is not None and table is not None:
            self._kept.append(Call(self._paths[id(layer)], layer, args[:1], {}, output, table))

    @contextmanager
    def kept(self, rows: int) -> Iterator[list[Call]]:
        """The calls that are made in the block, which has to call each layer once with a batch of so many rows."""
        calls: list[Call] = []
        self._kept = calls
        try:
            yield calls
        finally:
            self._kept = None
        self._check(calls, rows)

    def _check(self, calls: Sequence[Call], rows: int) -> None:
        for path in self._layers:
            times = sum(call.path == path for call in calls)
            if times != 1:
                raise PrivacyError(
                    f"[dp-sgd] {path or 'the model'} was called {times} times in a step; expected once, since its "
                    "parameters must reach the loss by its own forward alone; freeze it, or use a layer for each place"
                )
            if (times := sum(call.table == path for call in calls)) > 1:
                raise PrivacyError(
                    f"[dp-sgd] {path}.weight gave scores {times} times in a step; expected once, whose gradient per "
                    "example is then known; give the other place a Linear"
                )
        for call in calls:
            # What is no tensor, but for the first argument, is a setting: the same for each example.
            settings = [*call.args[1:], *call.kwargs.values()]
            given = [*call.args[:1], *(one for one in settings if not isinstance(one, SETTINGS))]
            for what, value in [*(("takes", one) for one in given), ("gives", call.output)]:
                if not isinstance(value, pt.Tensor) or value.shape[:1] != (rows,):
                    raise PrivacyError(
                        f"[dp-sgd] {call.name} {what} {_said(value)}; expected a tensor with one row for each of "
                        f"{rows} examples; keep the batch as the first axis"
                    )
            if call.output.dtype not in (pt.float32, pt.float64):
                raise PrivacyError(
                    f"[dp-sgd] {call.name} gives {_said(call.output)}; expected float32 or float64, whose rounding is "
                    'far below the clip; leave run.precision at "f32"'
                )


SETTINGS = (bool, int, float, str, type(None))


def _said(value: Any) -> str:
    return f"{value.dtype.name}{list(value.shape)}" if isinstance(value, pt.Tensor) else type(value).__name__


def clipped_sum(calls: Sequence[Call], gradients: Sequence[Any], clip: float) -> tuple[dict[str, Any], Any]:
    """The sum of the gradients of examples, each scaled down to the norm `clip` where it is longer, by the paths of the
    parameters; and the norms before. `gradients` are those of the sum of the losses by the outputs of the calls."""
    pairs = list(zip(calls, gradients, strict=True))
    scored = {call.table: (call.args[0], g) for call, g in pairs if call.table is not None}
    owners = [(call, g) for call, g in pairs if call.table is None]
    layers = [gradient_of(call.layer, call.args, call.kwargs, g, scored.get(call.path)) for call, g in owners]
    squares = [layer.squares() for layer in layers]
    norms = pt.sqrt(sum(squares[1:], squares[0]))
    factors = pt.minimum(1.0, clip / pt.maximum(norms, 1e-30))
    found = {}
    for (call, _), layer in zip(owners, layers, strict=True):
        for name, gradient in layer.weighted(factors).items():
            found[f"{call.path}.{name}" if call.path else name] = gradient
    return found, norms
