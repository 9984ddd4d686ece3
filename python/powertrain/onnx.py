"""Files of ONNX: modules written as such, and read as modules that train on. The distribution powertrain-onnx brings
what does it.

Example
    >>> import powertrain as pt
    >>> "load" in dir(pt.onnx)
    True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.errors.boundary import export as _export
from powertrain.errors.hints import attributes

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from powertrain.nn import Module

__all__ = ["MissingError", "export", "load"]


class MissingError(_core.Error, ImportError):  # type: ignore[misc, unused-ignore]
    """The distribution powertrain-onnx is not installed."""


def load(path: str | PathLike[str]) -> Module:
    """Read a file of ONNX as a module that runs and trains; its weights are parameters under the file's names.

    Errors    powertrain-onnx is not installed; a damaged file; an operator that is not supported, with its node

    Example
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "layer.onnx"
        >>> _ = pt.onnx.export(pt.nn.Linear(4, 3), pt.ones((1, 4)), path)
        >>> pt.onnx.load(path)(pt.ones((2, 4))).shape
        (2, 3)
    """
    module: Module = _plugin().load(path)
    return module


def export(
    model: Callable[..., Any], example_inputs: Any, path: str | PathLike[str] | None = None, **settings: Any
) -> Any:
    """Write a module, or a function of tensors, as a file of ONNX whose batch is of any size; returns the model.

    `example_inputs` is an array, or a tuple of them. `input_names`, `output_names`, `dynamic_batch=True`, `check=True`
    (ONNX Runtime has to give what the engine gives) and `metadata` are settings: see `powertrain_onnx.export`.

    Errors    powertrain-onnx is not installed; an op without a rule; a function that mixes the rows of a batch

    Example
        >>> made = pt.onnx.export(pt.nn.Linear(4, 3), pt.ones((1, 4)))
        >>> [one.name for one in made.graph.input]
        ['input']
    """
    return _plugin().export(model, example_inputs, path, **settings)


def _plugin() -> Any:
    try:
        return importlib.import_module("powertrain_onnx")
    except ModuleNotFoundError as error:
        if error.name not in ("onnx", "powertrain_onnx"):
            raise
        raise MissingError(
            f"[onnx] {error.name} is not installed; expected powertrain-onnx; install it: "
            'pip install "powertrain[onnx]"'
        ) from error


_export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
