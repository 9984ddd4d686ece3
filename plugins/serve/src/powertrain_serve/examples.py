"""Requests that a model answers, for the description of the server: zeros, gaps and short texts of its form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from powertrain_serve.model import Model
from powertrain_serve.rows import TEXT
from powertrain_serve.v2 import inputs_of

MOST_NUMBERS = 4096  # a description is read by people, too
WORDS = "Once upon a time"


def to_predict(model: Model) -> dict[str, Any] | None:
    """A body for `/predict`; None where it would be long."""
    if model.writes or model.takes == TEXT:
        return {"examples": [WORDS]}
    if model.takes:
        return {"examples": [dict.fromkeys(model.takes)]}
    if math.prod(model.shape) > MOST_NUMBERS:
        return None
    return {"examples": np.zeros((1, *model.shape), model.dtype).tolist()}


def to_infer(model: Model) -> dict[str, Any] | None:
    """A body for `/v2/models/NAME/infer`; None where it would be long."""
    tensors = []
    for name, datatype, shape in inputs_of(model):
        count = math.prod(shape[1:])
        if count > MOST_NUMBERS:
            return None
        data: list[Any] = [False if datatype == "BOOL" else 0] * count
        if datatype == "BYTES":
            data = [WORDS if name == "text" else ""]
        tensors.append({"name": name, "shape": [1, *shape[1:]], "datatype": datatype, "data": data})
    return {"inputs": tensors}


def to_complete(model: Model) -> dict[str, Any]:
    """A body for `/v1/completions`."""
    return {"model": model.name, "prompt": WORDS, "max_tokens": 4}
