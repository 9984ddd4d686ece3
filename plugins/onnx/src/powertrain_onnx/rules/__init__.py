"""One rule for each op, by its name: `rule(writer, call, *operands)` writes nodes, and gives the names of the results.

A result that no node of ONNX gives is None, and an error where somebody reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from powertrain_onnx.rules import elementwise, products, reductions, shapes, windows

RULES: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {**elementwise.RULES, **shapes.RULES, **reductions.RULES, **windows.RULES, **products.RULES}
)
# Rules of these compute nothing, so that they take every dtype.
# In ONNX these are of numbers alone; bools become 0 and 1.
COUNTED = frozenset({
    "argmax", "argmin", "argsort", "greater", "greater_equal", "less", "less_equal", "max", "maximum", "min", "minimum",
    "searchsorted",
})  # fmt: skip
MOVES = frozenset({*shapes.RULES, "astype", "copy", "stop_gradient", "where"}) - {"searchsorted"}
