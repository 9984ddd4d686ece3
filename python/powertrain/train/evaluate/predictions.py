"""What a trained run says of some examples: labels and probabilities, or numbers in the unit of the targets."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.boundary import export
from powertrain.train.deciding.decision import NOTHING, Decision
from powertrain.train.evaluate.calibration import probabilities
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.typing import Array, State

Floats = NDArray[np.float64]
DIGITS = 6  # of a probability, where a person or a JSON line is given it
FEW = 32  # numbers of a row, below which Python's own are quicker than an array
_JSON = json.JSONEncoder(allow_nan=False, default=str)


@dataclass(frozen=True)
class Form:
    """What the outputs of a run are: scores of classes, numbers in a unit, or what `answer` makes of a row."""

    classes: tuple[str, ...] = ()
    probable: bool = True  # whether the softmax of the scores gives probabilities
    unit: str = ""
    answer: Callable[[Array], State] | None = None
    decision: Decision = NOTHING

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The names of the classes as JSON has them."""
        return tuple(map(_JSON.encode, self.classes))

    @cached_property
    def line(self) -> str:
        """The JSON of an example with probabilities, to be filled: label, its probability, those of all classes."""
        each = ", ".join(f"{text.replace('%', '%%')}: %.{DIGITS}f" for text in self.texts)
        return f'{{"label": %s, "probability": %.{DIGITS}f, "probabilities": {{{each}}}}}'


def _softmax(row: list[float]) -> list[float]:
    most = max(row)
    powers = [math.exp(number - most) for number in row]
    total = sum(powers)
    return [power / total for power in powers]


def numbered(names: Sequence[str]) -> NDArray[np.int64] | None:
    """Names of classes as numbers, where all are whole numbers as Python writes them."""
    try:
        numbers = np.array([int(name) for name in names], dtype=np.int64)
    except (ValueError, OverflowError):
        return None
    return numbers if list(map(str, numbers.tolist())) == list(names) else None


class Predictions:
    """What a run predicts for some examples, in their order.

    * `outputs`: what the model gives [examples, ...], logits of classes (calibrated, where the run is) or values in the
      unit of the targets. `np.asarray(predictions)` is the same array.
    * `labels`: the class of each example, the likeliest or by the threshold of the run: its name, or its number (int64)
      where all names are whole numbers, such as 0, 1, 2 or the years of a table.
    * `probabilities`: float64 [examples, classes]; each row adds up to 1.
    * `values`: float64 [examples], or [examples, outputs] where there are several.
    * `classes`: the names of the classes, in the order of `outputs` and `probabilities`.
    * `unit`: what values are counted in, where the recipe says it (`target.unit`).
    * `names`: the file of each example, where they came from files.
    * `beside`: columns of the input that were asked to stand beside the answers, by name.

    What a task does not have is an error that says so. `len`, slices and arrays of rows work as for a list;
    `predictions[0]` and iterating give a dict of each example, and `table()` columns for a data frame: these have
    labels as texts.

    >>> run = pt.fit("digits", epochs=1, verbose=False)
    >>> said = run.predict(np.zeros((2, 8, 8)))
    >>> said.labels.shape, said.probabilities.shape, said.outputs.shape
    ((2,), (2, 10), (2, 10))
    """

    def __init__(
        self,
        outputs: Array,
        form: Form,
        names: tuple[str, ...] = (),
        rows: NDArray[np.int64] | None = None,
        beside: Mapping[str, Sequence[object]] | None = None,
    ) -> None:
        self.outputs, self.names = outputs, names
        self.beside = {name: list(values) for name, values in beside.items()} if beside else {}
        self.classes, self.unit = form.classes, form.unit
        self._form = form
        self._numbers_of_rows = rows
        self._numbers: Array | None = None  # what the dicts of examples say in numbers, once all of them were asked for

    @property
    def _rows(self) -> NDArray[np.int64]:
        """The numbers of the examples in what was asked."""
        if self._numbers_of_rows is None:
            self._numbers_of_rows = np.arange(len(self.outputs))
        return self._numbers_of_rows

    @property
    def labels(self) -> NDArray[np.str_] | NDArray[np.int64]:
        self._demand_classes("labels")
        numbers = numbered(self.classes)
        return self._names_of_classes() if numbers is None else numbers[self._form.decision.classes(self.outputs)]

    def _names_of_classes(self) -> NDArray[np.str_]:
        return np.array(self.classes, dtype=np.str_)[self._form.decision.classes(self.outputs)]

    @property
    def probabilities(self) -> Floats:
        self._demand_classes("probabilities")
        if not self._form.probable:
            raise RunError(
                "[predictions.probabilities] the loss of this run gives scores; expected probabilities, as "
                "cross-entropy gives them; take predictions.labels, or predictions.outputs"
            )
        return probabilities(self.outputs)

    @property
    def values(self) -> Floats:
        if self.classes:
            raise RunError(
                "[predictions.values] the run predicts classes; expected numbers; take predictions.labels or "
                "predictions.probabilities"
            )
        found = np.asarray(self.outputs, np.float64)
        return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found

    def _demand_classes(self, what: str) -> None:
        if not self.classes:
            raise RunError(
                f"[predictions.{what}] the run does not predict classes; expected one that does; take "
                "predictions.values, or predictions.outputs"
            )

    def __len__(self) -> int:
        return len(self.outputs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.outputs, dtype=dtype) if copy else np.asarray(self.outputs, dtype=dtype)

    @overload
    def __getitem__(self, key: int) -> dict[str, object]: ...
    @overload
    def __getitem__(self, key: slice | Array) -> Predictions: ...
    def __getitem__(self, key: int | slice | Array) -> dict[str, object] | Predictions:
        if isinstance(key, (int, np.integer)):
            at = range(len(self))[key]
            return self._row(at) if self._numbers is not None else next(iter(self[at : at + 1]))
        if isinstance(key, slice):
            outputs, names, rows = self.outputs[key].copy(), self.names[key], self._rows[key]
            beside = {name: values[key] for name, values in self.beside.items()}
        else:
            taken = np.arange(len(self))[key]
            names = tuple(self.names[row] for row in taken) if self.names else ()
            outputs, rows = self.outputs[taken], self._rows[taken]
            beside = {name: [values[row] for row in taken] for name, values in self.beside.items()}
        found = Predictions(outputs, self._form, names, rows, beside)
        if self._numbers is not None:
            found._numbers = self._numbers[key]
        return found

    def with_columns(self, beside: Mapping[str, Sequence[object]]) -> Predictions:
        """The same answers with columns beside them, such as the id of each example.

        >>> run = pt.fit("digits", epochs=1, verbose=False)
        >>> run.predict(np.zeros((2, 8, 8))).with_columns({"id": ["a", "b"]})[1]["id"]
        'b'
        """
        for name, values in beside.items():
            if len(values) != len(self):
                raise RunError(
                    f"[predictions.with_columns] received {len(values):,} values of {name}; expected {len(self):,}, "
                    "one for each example; pass one for each"
                )
        return Predictions(self.outputs, self._form, self.names, self._rows, {**self.beside, **beside})

    def __iter__(self) -> Iterator[dict[str, object]]:
        if self._numbers is None:
            self._numbers = self._all_numbers()
        return (self._row(row) for row in range(len(self)))

    def _row(self, at: int) -> dict[str, object]:
        place: dict[str, object] = {"file": self.names[at]} if self.names else {"row": int(self._rows[at])}
        place.update({name: values[at] for name, values in self.beside.items()})
        if self._form.answer is not None:
            return {**place, **self._form.answer(self.outputs[at])}
        assert self._numbers is not None
        if not self.classes:
            value = self._numbers[at].tolist()
            return {**place, "value": value, **({"unit": self.unit} if self.unit else {})}
        name, names = ("probability", "probabilities") if self._form.probable else ("score", "scores")
        numbers = self._numbers[at]
        rounded = [round(number, DIGITS) for number in numbers.tolist()]
        best = int(numbers.argmax())
        if self._form.decision.threshold is not None:
            best = int(self._form.decision.classes(self.outputs[at : at + 1])[0])
        return {
            **place, "label": self.classes[best], name: rounded[best],
            names: dict(zip(self.classes, rounded, strict=True)),
        }  # fmt: skip

    def json(self) -> list[str]:
        """The dict of each example as JSON, without where it stood (`row` or `file`): what a server answers.

        Probabilities are written with six digits by one format, which takes a tenth of an encoder's time. Those of few
        classes are computed as Python's numbers: NumPy would take three times as long for a row. The same row has the
        same text whatever rows stand beside it.

        >>> run = pt.fit("digits", epochs=1, verbose=False)
        >>> run.predict(np.zeros((1, 8, 8))).json()[0][:10]
        '{"label": '
        """
        form = self._form
        if not (form.classes and form.probable) or form.answer is not None or self.beside:
            rows: list[dict[str, object]] = list(self)
            return [_JSON.encode({k: v for k, v in row.items() if k not in ("row", "file")}) for row in rows]
        few = len(form.classes) <= FEW
        rows_of = map(_softmax, self.outputs.tolist()) if few else iter(self.probabilities.tolist())
        line, texts, found = form.line, form.texts, []
        best = None if form.decision.threshold is None else form.decision.classes(self.outputs).tolist()
        for at, numbers in enumerate(rows_of):
            own = numbers.index(max(numbers)) if best is None else best[at]
            found.append(line % (texts[own], numbers[own], *numbers))
        return found

    def _all_numbers(self) -> Array:
        if self._form.answer is not None:
            return self.outputs
        if not self.classes:
            return self.values
        return self.probabilities if self._form.probable else self.outputs.astype(np.float64)

    def table(self) -> dict[str, object]:
        """Columns by name, for a data frame or a file: `file` or `row`, then `label`, `probability` and
        `probability_CLASS` for each class; or `value` and `unit`; or what the task says.

        >>> run = pt.fit("digits", epochs=1, verbose=False)
        >>> list(run.predict(np.zeros((2, 8, 8))).table())[:4]
        ['row', 'label', 'probability', 'probability_0']
        """
        count, answer = len(self), self._form.answer
        place: dict[str, object] = {"file": list(self.names)} if self.names else {}
        place = {**(place or {"row": self._rows}), **self.beside}
        if answer is not None:
            rows = [answer(output) for output in self.outputs]
            return {**place, **{name: [row[name] for row in rows] for name in (rows[0] if rows else ())}}
        if not self.classes:
            values = self.values.reshape(count, -1)
            many = values.shape[1] > 1
            columns = {f"value_{at}" if many else "value": values[:, at] for at in range(values.shape[1])}
            return {**place, **columns, **({"unit": [self.unit] * count} if self.unit else {})}
        name = "probability" if self._form.probable else "score"
        numbers = self.probabilities if self._form.probable else self.outputs.astype(np.float64)
        each = {f"{name}_{label}": numbers[:, at] for at, label in enumerate(self.classes)}
        own = np.take_along_axis(numbers, self._form.decision.classes(self.outputs)[:, None], axis=1)[:, 0]
        return {**place, "label": self._names_of_classes().tolist(), name: own, **each}

    def __repr__(self) -> str:
        what = ", ".join(self.classes[:6]) + (", ..." if len(self.classes) > 6 else "") or self.unit or "numbers"
        return f"Predictions({len(self):,} examples: {what})"


export(globals())
