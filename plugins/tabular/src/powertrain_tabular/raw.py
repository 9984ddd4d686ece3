"""The columns of a table as they were before they became numbers: what a monitor looks at, and what a file brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError, class_numbers
from powertrain_tabular.csv_file import GAPS
from powertrain_tabular.encoding import Encoder
from powertrain_tabular.frame import Column, Frame, Kind, dates_of_texts

Array = NDArray[Any]
_PLAIN_GAPS = frozenset(GAPS)


class RawColumns:
    """A table by what was fitted on its training rows, with the rows where they are still there."""

    def __init__(
        self, encoder: Encoder, target: str, labels: tuple[str, ...], frames: Mapping[str, Frame] | None = None
    ) -> None:
        self.encoder, self.target, self.labels = encoder, target, labels
        self._frames = dict(frames or {})
        self._kinds = encoder.takes

    def columns(self, part: str) -> Mapping[str, Array]:
        frame = self._frames.get(part)
        return {} if frame is None else {name: column.values for name, column in frame.columns.items()}

    def typed(self, texts: Mapping[str, Array]) -> Mapping[str, Array]:
        """Columns that the model reads; what cannot be read as a number or a date is a gap."""
        lacking = [name for name in self._kinds if name not in texts]
        if lacking:
            raise DataError(
                "table", f"no column {lacking[0]}", f"expected {', '.join(list(self._kinds)[:12])}", "add the column"
            )
        return {name: self._typed(kind, texts[name], name) for name, kind in self._kinds.items()}

    def _typed(self, kind: Kind, values: Array, name: str) -> Array:
        if kind == "date":
            return _days(values, self.encoder.formats[name])
        return _numbers(values) if kind == "number" else _categories(values)

    def encode(self, columns: Mapping[str, Array]) -> NDArray[np.float32]:
        return self.encoder(Frame({name: Column(kind, columns[name]) for name, kind in self._kinds.items()}))

    def targets(self, values: Array) -> Array:
        if not self.labels:
            return _numbers(values).astype(np.float32)
        return class_numbers(values, self.labels)


def _gap(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in _PLAIN_GAPS)


def _numbers(values: Array) -> NDArray[np.float64]:
    if values.dtype.kind in "fiub":
        return np.where(np.isfinite(values), values, np.nan).astype(np.float64)

    def number(value: Any) -> float:
        try:
            return float("nan") if _gap(value) else float(value)
        except (TypeError, ValueError):
            return float("nan")

    made = np.array([number(value) for value in values], dtype=np.float64)
    return np.where(np.isfinite(made), made, np.nan)


def _categories(values: Array) -> Array:
    return np.array([None if _gap(value) else str(value) for value in values], dtype=object)


def _days(values: Array, form: str) -> NDArray[np.float64]:
    """Days since 1970, of dates in their format or ISO's; numbers are days already."""
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    is_text = np.array([isinstance(value, str) for value in values], dtype=bool)
    texts = np.array(
        [None if not one or _gap(value) else value.strip() for value, one in zip(values, is_text, strict=True)]
    )
    days: NDArray[np.float64] = dates_of_texts(texts.astype(object), form).values
    numbers = [np.nan if one or value is None else float(value) for value, one in zip(values, is_text, strict=True)]
    return np.where(is_text, days, numbers)
