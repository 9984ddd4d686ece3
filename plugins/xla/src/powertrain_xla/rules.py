"""One rule for each op, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from powertrain_xla import algebra, elementwise, indexing, reductions, shapes, windows

RULES: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **elementwise.RULES,
        **shapes.RULES,
        **reductions.RULES,
        **indexing.RULES,
        **windows.RULES,
        **algebra.RULES,
    }
)
