"""One question to `powertrain suggest`: a table whose test part is put aside, and folds of the rest to compare on."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError, DataModule, Url, located, permutation, split_stratified
from powertrain.plugin import Section
from powertrain_tabular.cleaning import Finding, clean_report
from powertrain_tabular.encoding import Encode, one_column_at_a_time
from powertrain_tabular.leakage import leaks
from powertrain_tabular.pages import sections
from powertrain_tabular.splits import Split, split_rows
from powertrain_tabular.suggesting.candidates import Candidate, Facts, candidates
from powertrain_tabular.suggesting.look import Target, kinds, of_classes, of_numbers, useless
from powertrain_tabular.table import Encoded, Table, Usable, class_labels, class_names, encoded, is_class, usable

LEAST_ROWS = 20
LEAST_OF_A_CLASS = 5  # one for each of the five parts of which one is the test part
LEAST_GROUPS = 5
MOST_CLASSES = 1_000
TEST_FOLDS = 5  # one of so many parts is the test part
FEW = 1_000  # rows, from which more folds are made of fewer: ten
FOLDS, FOLDS_OF_FEW = 5, 10
SHOWN = 12

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a person may say about a table besides its file and target."""

    group: str = ""  # a column whose rows stay together
    time: str = ""  # a column whose order is time
    keep: tuple[str, ...] = ()  # columns that are learned from whatever they look like
    metric: str = ""
    seed: int = 0


class Question:
    """A table, and what is asked of it. No trial sees the rows of the test part: they are taken out first."""

    Params = Table.Params

    def __init__(self, params: Table.Params, base: Path, wishes: Wishes) -> None:
        self.params, self.base, self.wishes = params, base, wishes
        loaded = Table.load(params, base)
        self.name, self._where = loaded.name, loaded.where
        column, by = wishes.group or wishes.time, "group" if wishes.group else "time" if wishes.time else "stratify"
        # Sorted by time, the last of five parts comes after all others.
        folds, fold = (TEST_FOLDS - 1, TEST_FOLDS - 2) if by == "time" else (TEST_FOLDS, 0)
        self._split = Split(by=by, column=column, folds=folds, fold=fold, seed=wishes.seed)
        whole = usable(loaded, dataclasses.replace(params, split=self._split))
        whole.frame.demand(self._where, *wishes.keep)
        self._demand_rows(whole)
        parts = self._dealt(whole, self._split)
        self.test_rows = len(parts["test"])
        table = whole.take(parts["train"])
        found = useless(table.frame, params.target, [*table.hidden, column], self._classify(whole))
        self.left_out = {name: why for name, why in found.items() if name not in wishes.keep}
        hidden = (*table.hidden, *self.left_out)
        if not set(table.frame.columns) - set(hidden):
            first, why = next(iter(self.left_out.items()))
            raise DataError(
                self._where, f"no column to learn from: {first} is left out, since {why}", "expected others",
                f"--keep {first} keeps it",
            )  # fmt: skip
        self._table = dataclasses.replace(table, hidden=hidden)
        self.rows = self._table.frame.count
        self._labels = class_labels(self._table.frame[params.target], self._classify(whole), self._where)
        self.folds = self._folds()
        self._cache: dict[Any, Encoded] = {}
        everything = np.arange(self.rows, dtype=np.int64)
        all_rows = encoded(self._table, {"train": everything}, self._labels)
        self.features = all_rows.x.shape[1]
        self.target = self._target()
        self.metric = wishes.metric or self.target.metric
        learned = self.rows - self.rows // self.folds
        self.candidates = candidates(
            Facts(learned, self.features, len(self._labels) or None, self.target.skewed, wishes.seed)
        )
        self.findings = self._findings(all_rows, everything)

    @property
    def task(self) -> str:
        return "classification" if self._labels else "regression"

    # What is refused.

    def _classify(self, whole: Usable) -> bool:
        return is_class(whole.frame[self.params.target], self.params.task)

    def _demand_rows(self, whole: Usable) -> None:
        name, column = self.params.target, whole.frame[self.params.target]
        if whole.frame.count < LEAST_ROWS:
            raise DataError(
                self._where, f"{whole.frame.count:,} rows with a value of {name}",
                f"expected {LEAST_ROWS} or more, to compare models by", "bring more data",
            )  # fmt: skip
        if self.wishes.group:
            groups = len(np.unique(whole.frame[self.wishes.group].values.astype(str)))
            if groups < LEAST_GROUPS:
                raise DataError(
                    self._where, f"{groups} groups of {self.wishes.group}",
                    f"expected {LEAST_GROUPS} or more, of which some are held out", "name another column",
                )  # fmt: skip
        if not self._classify(whole):
            return
        found, counts = np.unique(column.values.astype(str), return_counts=True)
        rarest = int(counts.argmin())
        if len(found) < 2:
            raise DataError(
                self._where, f"{name} is always {found[0]}", "expected two classes or more, or numbers",
                "name another target",
            )  # fmt: skip
        if len(found) > MOST_CLASSES:
            raise DataError(
                self._where, f"{name} has {len(found):,} classes in {whole.frame.count:,} rows",
                f"expected {MOST_CLASSES:,} or fewer; is it a text or an identifier", "name another target",
            )  # fmt: skip
        if counts[rarest] < LEAST_OF_A_CLASS:
            raise DataError(
                self._where, f"{counts[rarest]} rows of the class {found[rarest]}",
                f"expected {LEAST_OF_A_CLASS} or more of each, so that each part has one",
                "leave these rows out, or call them and other rare classes by one name",
            )  # fmt: skip

    # How rows are dealt out.

    def _dealt(self, table: Usable, split: Split) -> dict[str, Rows]:
        frame = table.frame
        return split_rows(split, frame[self.params.target], frame[split.column] if split.column else None, self._where)

    def _folds(self) -> int:
        most = FOLDS if self.rows >= FEW or self.wishes.time else FOLDS_OF_FEW
        if self._labels:
            values = self._table.frame[self.params.target].values.astype(str)
            most = min(most, int(np.unique(values, return_counts=True)[1].min()))
        if self.wishes.group:
            most = min(most, len(np.unique(self._table.frame[self.wishes.group].values.astype(str))))
        return max(2, most)

    def dataset(self, candidate: Candidate, fold: int, share: float = 1.0) -> DataModule:
        """The data of a trial: a fold to be judged by, as its part test; a `share` of the other rows to learn from."""
        key = (fold, share, candidate.valid, tuple(candidate.encode.items()))
        split = dataclasses.replace(self._split, folds=self.folds, fold=fold, valid=candidate.valid)
        rows = self._dealt(self._table, split)
        if share < 1:
            judged = {"test": rows.pop("test")}
            rows = {**{part: self._some(found, share, fold) for part, found in rows.items()}, **judged}
        if key not in self._cache:
            if len(self._cache) > 1:  # the folds come one after the other
                self._cache.clear()
            params = dataclasses.replace(self._table.params, encode=Encode(**candidate.encode))
            table = dataclasses.replace(self._table, params=params)
            self._cache[key] = encoded(table, rows, self._labels)
        return self._cache[key].module(self.name, rows)

    def _some(self, rows: Rows, share: float, fold: int) -> Rows:
        """A share of rows: with the classes as frequent as among all; the last ones where their order is time."""
        count = max(2, round(share * len(rows)))
        if count >= len(rows):
            return rows
        if self._split.by == "time":
            order = self._table.frame[self._split.column].values[rows]
            return np.sort(rows[np.argsort(order, kind="stable")[-count:]])
        if self._labels:
            values = self._table.frame[self.params.target].values[rows].astype(str)
            return rows[split_stratified(values, {"some": count / len(rows)}, seed=self.wishes.seed + fold)["some"]]
        return np.sort(rows[permutation(len(rows), self.wishes.seed, call=fold + 1)[:count]])

    # What is said.

    def _target(self) -> Target:
        column = self._table.frame[self.params.target]
        if not self._labels:
            return of_numbers(column)
        return of_classes(class_names(column, self._where), self._labels)

    def _findings(self, all_rows: Encoded, everything: Rows) -> list[Finding]:
        """What is odd about the rows to learn from, and which single columns give the answer away."""
        table = self._table
        found = clean_report(table.frame, self.params.target, [*table.hidden])
        inputs = table.frame.without(table.hidden)
        columns = one_column_at_a_time(all_rows.encoder, inputs)
        classes = len(self._labels) or None
        told = leaks(inputs, {"train": everything}, Split(), None, columns, all_rows.y, classes)
        return [*told, *found]

    def lines(self) -> list[tuple[str, str]]:
        """What was seen, a word and a sentence each."""
        frame, target = self._table.frame, self.target
        said = [
            ("data", f"{self.name}: {self.rows + self.test_rows:,} rows, {kinds(frame, self._table.hidden)}"),
            ("target", f"{self.params.target}: {target.words}"),
            ("metric", self.metric + (": asked for" if self.wishes.metric else f": {target.why}")),
            ("test", f"{self.test_rows:,} rows are put aside, and are not looked at here"),
        ]
        said += [("left out", f"{name}: {why} (--keep {name})") for name, why in self.left_out.items()]
        said += [("leak?", f"{one.column}: {one.text}") for one in self.findings if one.kind == "telling"]
        dates = [name for name, column in frame.columns.items() if column.kind == "date" and not self._split.column]
        said += [("time?", f"{name} holds dates; --time {name} judges by later rows than it learns from")
                 for name in dates[:1]]  # fmt: skip
        odd = [one for one in self.findings if one.kind in ("constant", "mixed", "identifier", "contradictions")]
        said += [("odd", f"{one.column or 'rows'}: {one.text}") for one in odd[:SHOWN]]
        return said + ([("odd", f"{len(odd) - SHOWN:,} more columns")] if len(odd) > SHOWN else [])

    def sections(self) -> tuple[Section, ...]:
        """The pages on the table that a run's report has, of the rows that were looked at."""
        leaked = [one for one in self.findings if one.kind == "telling"]
        others = [one for one in self.findings if one.kind != "telling"]
        return sections(self._table.frame, self.params.target, others, leaked, {"looked at": self.rows})

    def tables(self, candidate: Candidate, folder: Path, given: Mapping[str, Any]) -> dict[str, Any]:
        """The recipe of a candidate, as tables; `folder` is where it will lie, `given` what was set of its data."""
        split: dict[str, Any] = {"by": self._split.by}
        split |= {"column": self._split.column} if self._split.column else {}
        split |= {"valid": candidate.valid} if candidate.valid else {}
        split |= {"folds": self._split.folds, "fold": self._split.fold}
        split |= {"seed": self.wishes.seed} if self.wishes.seed else {}
        dropped = tuple(dict.fromkeys([*self.params.drop, *self.left_out]))
        place = located(self.params.path, self.base)
        path = place.text if isinstance(place, Url) else os.path.relpath(place.resolve(), folder.resolve())
        data = {
            "use": "table", **given, "path": path, "target": self.params.target,
            **({"drop": dropped} if dropped else {}),
            **({"encode": dict(candidate.encode)} if candidate.encode else {}), "split": split,
        }  # fmt: skip
        measured = {} if self.metric in ("accuracy", "mae") else {"evaluate": {"metrics": self._measured()}}
        return {"data": data, **candidate.tables, **measured}

    def _measured(self) -> list[str]:
        usual = ["accuracy"] if self._labels else ["mae", "r2"]
        return list(dict.fromkeys([self.metric, *usual]))
