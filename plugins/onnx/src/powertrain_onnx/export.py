"""A module or a function as a file of ONNX."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

import powertrain as pt
from powertrain_onnx.checking import Model, Runtime, checked, compared, demand_rows
from powertrain_onnx.errors import OnnxError
from powertrain_onnx.files import write
from powertrain_onnx.graph import model_of
from powertrain_onnx.program import Program
from powertrain_onnx.rules import RULES

Array = NDArray[Any]
# Batches of other sizes than those of the trace, with which a model is tried.
TRIED = (1, 3)


def export(
    model: Callable[..., Any],
    example_inputs: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_batch: bool = True,
    check: bool = True,
    metadata: Mapping[str, object] | None = None,
) -> onnx.ModelProto:
    """Write a module, or a function of tensors, as an ONNX file, and return the model.

    `example_inputs` is an array, or a tuple of them: what the module is called with. A module is taken in evaluation
    mode, and stays in its own. The first axis of every input is the batch, of any size in the file. A function
    that mixes rows is refused, unless `dynamic_batch=False` fixes the batch size to that of the examples.
    With `check`, ONNX Runtime has to give what the engine gives.

    Errors    an op without a rule, numbers that differ, a batch whose rows are mixed: OnnxError, with the op's line

    Example
        >>> import powertrain as pt
        >>> import powertrain_onnx
        >>> model = pt.nn.Sequential(pt.nn.Linear(4, 8), pt.nn.ReLU(), pt.nn.Linear(8, 3))
        >>> made = powertrain_onnx.export(model, pt.ones((1, 4)))
        >>> [node.op_type for node in made.graph.node]
        ['Gemm', 'Relu', 'Gemm']
    """
    examples = [
        _array(one) for one in (example_inputs if isinstance(example_inputs, (tuple, list)) else [example_inputs])
    ]
    if not examples:
        raise OnnxError("[onnx] no example inputs; expected the arguments of one call; pass a tuple of arrays")
    names = list(input_names) if input_names is not None else _names_of(model, len(examples))
    if len(names) != len(examples) or len(set(names)) != len(names):
        raise OnnxError(
            f"[onnx] input_names = {names}; expected {len(examples)} different ones, one for each example; change them"
        )
    slots = dict(model.named_slots()) if isinstance(model, pt.nn.Module) else {}
    with _evaluated(model):
        made = converted(model, examples, names, slots, dynamic_batch, metadata or {}, output_names)
        if check:
            tried(made, results_of(model), examples, dynamic_batch)
    if path is not None:
        write(Path(path), made.proto.SerializeToString())
    return made.proto


def converted(
    function: Callable[..., Any],
    examples: Sequence[Array],
    inputs: Sequence[str],
    slots: Mapping[str, pt.Slot],
    dynamic: bool,
    metadata: Mapping[str, object],
    outputs: Sequence[str] | None = None,
) -> Model:
    """A function of arrays as a model that onnx.checker takes."""
    program = Program.of(function, examples, frozenset(RULES), dynamic, outputs)
    made = model_of(program, inputs, slots, metadata, getattr(function, "__name__", type(function).__name__))
    checked(made.proto)
    return made


def tried(model: Model, function: Callable[..., Sequence[Array]], examples: Sequence[Array], dynamic: bool) -> None:
    """Compare a model with the function that it came from: for the examples, for batches of sizes that were not traced,
    and each row alone."""
    runtime = Runtime(model.proto)
    compared(model, runtime, function, examples)
    if not dynamic:
        return
    # Rows that differ, so that a mix of them is seen.
    rows = [_varied(array, max(TRIED)) for array in examples]
    for size in TRIED:
        compared(model, runtime, function, [array[:size] for array in rows])
    demand_rows(model, runtime, rows)


def _varied(array: Array, size: int) -> Array:
    rows = np.resize(array, (size, *array.shape[1:]))
    if rows.dtype.kind != "f":
        return rows if len(array) > 1 else np.stack([np.roll(row, at) for at, row in enumerate(rows)])
    # Also of an example of zeros; the first row stays as it is.
    draw = np.random.Generator(np.random.Philox(key=1))
    varied = [row * (1 + at) + at * draw.normal(size=row.shape) for at, row in enumerate(rows)]
    return np.stack(varied).astype(array.dtype)


def results_of(function: Callable[..., Any]) -> Callable[..., list[Array]]:
    """The results of a function as arrays, in the order in which a model gives them."""

    def arrays(*given: Array) -> list[Array]:
        made = function(*map(pt.asarray, given))
        several = made.values() if isinstance(made, Mapping) else made if isinstance(made, (tuple, list)) else [made]
        return [pt.asarray(one).numpy() for one in several]

    return arrays


@contextlib.contextmanager
def _evaluated(model: Any) -> Iterator[None]:
    """A module in evaluation mode for the length of a block; each part of it is in its own mode afterwards."""
    if not isinstance(model, pt.nn.Module):
        yield
        return
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.train(training)


def _array(value: Any) -> Array:
    return np.asarray(pt.asarray(value).numpy(), order="C")


def _names_of(model: Any, count: int) -> list[str]:
    """The names of the first parameters of a function or of a module's forward."""
    function = model.forward if isinstance(model, pt.nn.Module) else model
    try:
        found = [
            one.name
            for one in inspect.signature(function).parameters.values()
            if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
        ][:count]
    except (TypeError, ValueError):
        found = []
    return found if len(found) == count else [f"input_{at}" for at in range(count)]
