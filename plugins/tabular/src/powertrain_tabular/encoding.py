"""Columns as numbers: gaps, categories, dates, skew and scale, all fitted on the training rows alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError
from powertrain.plugin import param
from powertrain_tabular.frame import PLURAL, Column, Frame, Kind, dates_of_texts, no_numbers, numbers_of_texts
from powertrain_tabular.texts import Marks

Floats = NDArray[np.float64]
SKEWED = 1.0  # from this skewness on a column of numbers >= 0 is replaced by log(1 + x)
FENCE = 3.0  # interquartile ranges beyond the quartiles: farther out is an outlier (Tukey)
YEAR, WEEK = 365.2425, 7


@dataclass(frozen=True, kw_only=True)
class Encode:
    """The [data.encode] table of a recipe."""

    categories: str = param("one-hot", choices=("one-hot", "ordinal", "frequency"), doc="how categories become numbers")
    rare: int = param(10, low=1, doc="categories of fewer training rows are one: `other`")
    scale: bool = param(True, doc="subtract the training mean, divide by the training deviation")
    log: bool = param(True, doc="log(1 + x) for skewed numbers that are never negative")
    gaps: bool = param(True, doc="a feature that says where a number was missing")
    clip: bool = param(False, doc="bring outliers to the fences, three interquartile ranges beyond the quartiles")
    combine: tuple[str, ...] = param(
        (), doc='products and quotients of numbers, such as "price*amount" or "debt/income"'
    )


class Encoder:
    """What was learned of each column: a plain table, which JSON holds without loss. `marks` say how the numbers of the
    training file are written, where it was a CSV file."""

    def __init__(self, learned: list[dict[str, Any]], marks: Marks | None = None) -> None:
        self.learned, self.marks = learned, marks

    @classmethod
    def fit(cls, frame: Frame, settings: Encode, where: str) -> Encoder:
        with np.errstate(over="ignore", invalid="ignore"):  # what that makes is refused when it is used
            learned = [_learn(name, column, settings) for name, column in frame.columns.items()]
            for text in settings.combine:
                both = _combined(frame, text, where)
                learned.append({**_learn(text, both, settings), "combine": text})
        for one in learned:
            if one.get("kind") == "number" and not np.isfinite([one["mean"], one["deviation"]]).all():
                raise _too_large(one["name"], where)
        return cls([one for one in learned if one is not None and one.get("kind")], frame.marks)

    @property
    def texts(self) -> set[str]:
        """The columns that are read as texts: categories, and dates, whose format was learned."""
        return {one["name"] for one in self.learned if one["kind"] in ("category", "date")}

    @property
    def formats(self) -> dict[str, str]:
        """The format of each column of dates; empty is ISO's."""
        # Runs of version 0.1 know no formats.
        return {one["name"]: one.get("format", "") for one in self.learned if one["kind"] == "date"}

    @property
    def takes(self) -> dict[str, Kind]:
        """The columns that are needed, and what each holds: "number", "category" or "date"."""
        found: dict[str, Kind] = {}
        for one in self.learned:
            names = _combined_names(one["combine"]) if "combine" in one else [one["name"]]
            found.update(dict.fromkeys(names, one["kind"]))
        return found

    @property
    def features(self) -> list[str]:
        return [name for one in self.learned for name in _names(one)]

    @property
    def made_of(self) -> list[str]:
        """The column that each feature is made of."""
        return [one["name"] for one in self.learned for _ in _names(one)]

    def __call__(self, frame: Frame, where: str = "table") -> NDArray[np.float32]:
        columns: list[NDArray[np.float32]] = []
        for one in self.learned:
            made = self._made(one, frame, where)
            if not all(np.isfinite(values).all() for values in made):
                raise _too_large(one["name"], where)
            columns += made
        return np.stack(columns, axis=1)

    def _made(self, one: dict[str, Any], frame: Frame, where: str) -> list[NDArray[np.float32]]:
        """The features of one column; what is too large becomes an infinity, or NaN by its scale."""
        with np.errstate(over="ignore", invalid="ignore"):
            if "combine" in one:
                column = _combined(frame, one["combine"], where)
            else:
                frame.demand(where, one["name"])
                column = frame[one["name"]]
            if column.kind != one["kind"]:
                column = _as_learned(one, column, where, frame.first)
            return [values.astype(np.float32) for values in _encode(one, column)]

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Encoder:
        marks = _of_bytes(state["marks"]) if "marks" in state else None  # runs of version 0.1 do not know
        return cls(_of_bytes(state["encoder"]), None if marks is None else Marks(*map(str, marks)))

    def state(self) -> dict[str, Any]:
        """As arrays of bytes, which a checkpoint holds."""
        marks = {} if self.marks is None else {"marks": _bytes([self.marks.decimal, self.marks.thousands])}
        return {"encoder": _bytes(self.learned), **marks}


def _bytes(value: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value, allow_nan=False).encode(), dtype=np.uint8)


def _of_bytes(array: Any) -> Any:
    return json.loads(np.asarray(array, dtype=np.uint8).tobytes())


def _too_large(name: str, where: str) -> DataError:
    return DataError(
        where, f"{name} holds numbers too large for float32", "expected numbers below 3e38",
        "drop the column, or scale it first",
    )  # fmt: skip


def _learn(name: str, column: Column, settings: Encode) -> dict[str, Any]:
    if column.kind == "category":
        return _learn_category(name, column, settings)
    if column.kind == "date":
        days = column.values[~column.missing]
        start = float(days.min()) if len(days) else 0.0
        span = float(days.max() - start) if len(days) else 0.0
        gaps = bool(settings.gaps and column.missing.any())
        fill = float(np.median(days)) if len(days) else 0.0
        return {
            "kind": "date", "name": name, "start": start, "span": span or 1.0, "fill": fill, "gaps": gaps,
            "format": column.format,
        }  # fmt: skip
    return _learn_number(name, column, settings)


def _learn_number(name: str, column: Column, settings: Encode) -> dict[str, Any]:
    values = column.values[~column.missing]
    if not len(values) or values.min() == values.max():
        return {}  # what never varies says nothing
    fences = fences_of(values) if settings.clip else None
    values = values if fences is None else values.clip(*fences)
    log = bool(settings.log and values.min() >= 0 and skewness(values) > SKEWED)
    shown = np.log1p(values) if log else values
    fill = float(np.median(values))
    every = np.concatenate([shown, np.full(int(column.missing.sum()), np.log1p(fill) if log else fill)])
    mean, deviation = (float(every.mean()), float(every.std()) or 1.0) if settings.scale else (0.0, 1.0)
    return {
        "kind": "number", "name": name, "fill": fill, "log": log, "mean": mean, "deviation": deviation,
        "gaps": bool(settings.gaps and column.missing.any()), "fences": fences,
    }  # fmt: skip


def _learn_category(name: str, column: Column, settings: Encode) -> dict[str, Any]:
    texts = np.array(["" if value is None else value for value in column.values], dtype=str)
    found, counts = np.unique(texts, return_counts=True)
    order = np.lexsort((found, -counts))
    kept = [(str(found[at]), int(counts[at])) for at in order if counts[at] >= settings.rare]
    other = int(counts.sum()) - sum(count for _, count in kept)
    if len(kept) + (other > 0) < 2:
        return {}
    levels = [level for level, _ in kept]
    shares = [count / len(texts) for _, count in kept]
    return {
        "kind": "category", "name": name, "levels": levels, "how": settings.categories, "shares": shares,
        "other": other / len(texts),
    }  # fmt: skip


def _names(one: dict[str, Any]) -> list[str]:
    name = one["name"]
    if one["kind"] == "number":
        return [name, f"{name} missing"] if one["gaps"] else [name]
    if one["kind"] == "date":
        missing = ["missing"] if one.get("gaps") else []  # runs of version 0.1 know no gaps of dates
        return [f"{name} {part}" for part in ("time", "year cos", "year sin", "week cos", "week sin", *missing)]
    if one["how"] == "one-hot":
        return [f"{name}={level or 'missing'}" for level in one["levels"]] + [f"{name}=other"]
    return [name]


def _encode(one: dict[str, Any], column: Column) -> list[Floats]:
    if one["kind"] == "number":
        values = np.where(column.missing, one["fill"], column.values)
        values = values if one["fences"] is None else values.clip(*one["fences"])
        # A row below zero, in a column that never was in training, is as zero.
        shown = np.log1p(np.maximum(values, 0)) if one["log"] else values
        scaled = (shown - one["mean"]) / one["deviation"]
        return [scaled, column.missing.astype(np.float64)] if one["gaps"] else [scaled]
    if one["kind"] == "date":
        days = np.where(column.missing, one.get("fill", one["start"]), column.values)
        year, week = 2 * np.pi * days / YEAR, 2 * np.pi * days / WEEK
        made = [(days - one["start"]) / one["span"], np.cos(year), np.sin(year), np.cos(week), np.sin(week)]
        return [*made, column.missing.astype(np.float64)] if one.get("gaps") else made
    places = {level: at for at, level in enumerate(one["levels"])}
    last = len(places)
    codes = np.array([places.get("" if value is None else value, last) for value in column.values])
    if one["how"] == "ordinal":
        return [codes.astype(np.float64)]
    if one["how"] == "frequency":
        return [np.array([*one["shares"], one["other"]])[codes]]
    return [(codes == at).astype(np.float64) for at in range(last + 1)]


def _as_learned(one: dict[str, Any], column: Column, where: str, first: int) -> Column:
    """A column of another kind than that of the training rows: gaps alone are gaps of any kind, and texts are the
    dates or numbers that they stand for."""
    kind, gaps = one["kind"], column.missing
    if column.kind != "other" and gaps.all():
        return Column(kind, np.full(len(column.values), None if kind == "category" else np.nan))
    fix, held = "check the file", f"{PLURAL[column.kind]}"
    if column.kind == "category" and kind in ("date", "number"):
        made = dates_of_texts(column.values, one.get("format", "")) if kind == "date" else numbers_of_texts(column)
        wrong = np.flatnonzero(made.missing & ~gaps)
        if not len(wrong):
            return made
        if kind == "number":  # one that is no number in any writing made texts of the others
            strange = [row - 1 for row, _ in no_numbers(column, 1.0) or ()]
            wrong = np.array(strange) if strange else wrong
        held = f"{column.values[wrong[0]]!r} in row {first + int(wrong[0]):,}"
        forms = " or ".join(form for form in (one.get("format", ""), "such as 2024-05-31") if form)
        fix = f"write dates {forms}, or leave the value empty" if kind == "date" else (
            "correct it, or leave the value empty"
        )  # fmt: skip
    raise DataError(where, f"{one['name']} holds {held}", f"expected {PLURAL[kind]}, as in the training rows", fix)


def _combined_names(text: str) -> list[str]:
    return [part.strip() for part in text.split("*" if "*" in text else "/")]


def _combined(frame: Frame, text: str, where: str) -> Column:
    sign, names = "*" if "*" in text else "/", _combined_names(text)
    if len(names) != 2 or not all(names):
        raise DataError(where, f'combine = "{text}"', 'expected "a*b" or "a/b"', "name two columns of numbers")
    frame.demand(where, *names)
    a, b = (frame[name] for name in names)
    if a.kind != "number" or b.kind != "number":
        raise DataError(where, f'combine = "{text}" of {a.kind} and {b.kind}', "expected numbers", "choose others")
    if sign == "*":
        return Column("number", a.values * b.values)
    return Column("number", np.divide(a.values, b.values, out=np.full(len(a.values), np.nan), where=b.values != 0))


def skewness(values: Floats) -> float:
    apart = values - values.mean()
    variance = float(np.square(apart).mean())
    return float((apart**3).mean()) / variance**1.5 if variance > 0 else 0.0


def fences_of(values: Floats) -> tuple[float, float]:
    """The numbers beyond which a value is an outlier. Where half of the values are one, nothing is."""
    low, high = (float(value) for value in np.quantile(values, [0.25, 0.75]))
    if low == high:
        return -np.finfo(np.float64).max, np.finfo(np.float64).max
    return low - FENCE * (high - low), high + FENCE * (high - low)


def one_column_at_a_time(encoder: Encoder, frame: Frame) -> Sequence[tuple[str, NDArray[np.float32]]]:
    """The features of each column apart, by the column's name."""
    return [(one["name"], Encoder([one])(frame)) for one in encoder.learned]
