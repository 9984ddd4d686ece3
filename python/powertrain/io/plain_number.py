"""Numbers as Python's: NumPy's own, and arrays and tensors that hold one number and have no axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from powertrain import _core


def plain_number(value: Any) -> Any:
    """The number, truth or text that a value without axes holds; what else it is given as it is.

    The value of a tensor in a trace is not known yet, so that stays a tensor.
    """
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    if type(value) is _core.Tensor and not value.shape and not value.symbolic:
        return value.item()
    return value
