"""A file of ONNX as a module."""

from __future__ import annotations

import os
from pathlib import Path

from powertrain_onnx.reading.file import read
from powertrain_onnx.reading.module import OWN, OnnxModule
from powertrain_onnx.reading.registry import OPERATORS


def load(path: str | os.PathLike[str]) -> OnnxModule:
    """Read a file of ONNX as a module that runs and trains.

    Weights are parameters, under the file's names; the running statistics of batch normalization are buffers. The
    module is in evaluation mode.

    Errors    a damaged file, an opset before 7, an operator that is not supported: OnnxError, which names the node

    Example
        >>> import pathlib, tempfile
        >>> import powertrain as pt
        >>> import powertrain_onnx
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "layer.onnx"
        >>> _ = powertrain_onnx.export(pt.nn.Linear(4, 3), pt.ones((1, 4)), path)
        >>> model = powertrain_onnx.load(path)
        >>> [name for name, _ in model.named_parameters()], model(pt.ones((2, 4))).shape
        (['weight', 'bias'], (2, 3))
    """
    found = Path(path)
    model = OnnxModule(read(found), f"[onnx] {found}:")
    model.eval()
    return model


def supported() -> tuple[str, ...]:
    """The operators of ONNX that `load` knows, by name.

    Example
        >>> import powertrain_onnx
        >>> "Conv" in powertrain_onnx.supported()
        True
    """
    return tuple(sorted({*OPERATORS, *OWN}))
