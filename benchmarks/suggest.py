"""What the recipe of `powertrain suggest` reaches beside FLAML, on tables that packages bring: the same rows to learn
from, the same test rows, the same limit of time, the same metric.

    pip install "flaml[automl]"
    python benchmarks/suggest.py                       # a minute for each table and each of the two
    python benchmarks/suggest.py --minutes 0.2 wine    # a quick look
    POWERTRAIN_DATA=FOLDER python benchmarks/suggest.py churn    # `python -m powertrain_tabular.fetch FOLDER` brings it

    python benchmarks/suggest.py --cpu --minutes 0.2   # on a machine that is shared: processor time, of one thread

It prints a table in Markdown, as docs/guides/choosing-a-model.md has it. FLAML uses its limit whole; the comparison
ends when all folds are measured. Intervals are of 95 %, from test rows drawn again and again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.cli import main as powertrain
from powertrain_tabular.frame import read_frame
from powertrain_tabular.splits import Split, split_rows
from powertrain_tabular.table import class_labels, is_class

DRAWN = 1_000
# FLAML's names of what both are judged by.
FLAML_NAMES = {"accuracy": "accuracy", "auc": "roc_auc", "balanced-accuracy": "macro_f1", "rmse": "rmse", "mae": "mae"}
# FLAML's usual learners but for CatBoost, a large download, and a second XGBoost; the last is of classes alone.
LEARNERS = ["lgbm", "rf", "extra_tree", "xgboost", "lrl1"]


@dataclass(frozen=True)
class Reached:
    """A value on the test rows with its interval, what reached it, and the seconds that it took."""

    value: float
    low: float
    high: float
    what: str
    seconds: float

    def text(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}), `{self.what}`, {self.seconds:.0f} s"


def of_sklearn(name: str) -> Callable[[Path], str]:
    def write(path: Path) -> str:
        from sklearn import datasets

        found = getattr(datasets, f"load_{name}")(as_frame=True)
        frame = found.frame
        if name != "diabetes":
            frame = frame.assign(target=[str(found.target_names[at]) for at in frame["target"]])
        frame.to_csv(path, index=False)
        return "target"

    return write


def churn(path: Path) -> str:
    """Customers of a telephone company: numbers and categories, with gaps."""
    import pandas as pd

    from powertrain.data import read_r_table

    columns = read_r_table(Path(os.environ["POWERTRAIN_DATA"]) / "modeldata", "wa_churn")
    pd.DataFrame(columns).to_csv(path, index=False)
    return "churn"


TABLES: dict[str, Callable[[Path], str]] = {
    **{name: of_sklearn(name) for name in ("breast_cancer", "wine", "diabetes", "digits")},
    "churn": churn,
}


def measured(metric: str, outputs: NDArray[Any], truth: NDArray[Any]) -> tuple[float, float, float]:
    """A metric of the engine's on outputs [rows, classes] or [rows, 1], with its interval."""
    made = {"accuracy": pt.metrics.Accuracy, "auc": pt.metrics.AUC, "balanced-accuracy": pt.metrics.BalancedAccuracy,
            "rmse": pt.metrics.RootMeanSquaredError, "mae": pt.metrics.MeanAbsoluteError}[metric]  # fmt: skip

    def of(rows: NDArray[Any]) -> float:
        one = made()
        one.update(outputs[rows], truth[rows])
        return float(one.compute())

    draw = np.random.default_rng(0)
    again = [of(draw.integers(0, len(truth), len(truth))) for _ in range(DRAWN)]
    low, high = np.quantile([value for value in again if np.isfinite(value)], [0.025, 0.975])
    return of(np.arange(len(truth))), float(low), float(high)


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@dataclass(frozen=True)
class Task:
    """A table cut into the rows to learn from and those of the test part, which are the same for both."""

    path: Path
    target: str
    train: Any  # of pandas
    test: Any
    labels: tuple[str, ...]
    minutes: float
    seed: int

    @classmethod
    def of(cls, path: Path, target: str, minutes: float, seed: int) -> Task:
        import pandas as pd

        column = read_frame(path, path.stem)[target]
        rows = split_rows(Split(by="stratify", folds=5, fold=0, seed=seed), column, None, "split")
        table = pd.read_csv(path)
        labels = class_labels(column, is_class(column, "auto"), path.stem)
        train, test = (table.iloc[rows[part]] for part in ("train", "test"))
        return cls(path, target, train, test, labels, minutes, seed)

    @property
    def truth(self) -> NDArray[Any]:
        values = self.test[self.target]
        if not self.labels:
            return values.to_numpy(np.float64)
        return np.array([self.labels.index(str(value)) for value in values])


def ours(task: Task) -> tuple[Reached, str]:
    """The suggested recipe, trained; and the metric that was chosen."""
    asked = task.path.with_name("asked.csv")
    task.test.drop(columns=task.target).to_csv(asked, index=False)
    words = ["suggest", task.path.name, "--target", task.target, "--minutes", str(task.minutes)]
    with inside(task.path.parent), contextlib.redirect_stdout(io.StringIO()) as said:
        if powertrain([*words, "--seed", str(task.seed), "--json"]):
            raise SystemExit(said.getvalue())
        found = json.loads(said.getvalue().splitlines()[-1])
        outputs = np.asarray(pt.fit(found["recipe"], verbose=False).predict(asked.name).outputs)
    value = measured(found["metric"], outputs, task.truth)
    return Reached(*value, found["chosen"], found["seconds"]), found["metric"]


def flaml(task: Task, metric: str) -> Reached:
    """FLAML on the same rows: it splits them by itself."""
    from flaml import AutoML

    learner, classify = AutoML(), bool(task.labels)
    began = time.monotonic()
    learner.fit(
        task.train.drop(columns=task.target), task.train[task.target],
        task="classification" if classify else "regression", metric=FLAML_NAMES[metric], time_budget=60 * task.minutes,
        seed=task.seed, verbose=0, n_jobs=1, estimator_list=LEARNERS if classify else LEARNERS[:-1],
    )  # fmt: skip
    seconds = time.monotonic() - began
    inputs = task.test.drop(columns=task.target)
    if classify:
        known = [str(one) for one in learner.classes_]
        order = [known.index(label) for label in task.labels]
        outputs = np.log(np.clip(learner.predict_proba(inputs)[:, order], 1e-12, 1))
    else:
        outputs = np.asarray(learner.predict(inputs)).reshape(-1, 1)
    return Reached(*measured(metric, outputs, task.truth), str(learner.best_estimator), seconds)


def main() -> None:
    takes = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    takes.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)} (default: all)")
    takes.add_argument("--minutes", type=float, default=1.0)
    takes.add_argument("--seed", type=int, default=0)
    takes.add_argument("--cpu", action="store_true", help="limit processor time in place of the wall's")
    given = takes.parse_args()
    if given.cpu:  # both ask these for the time
        pt.set_threads(1)
        time.time = time.monotonic = time.process_time
    print("| table | rows | metric | `powertrain suggest` | FLAML |\n| --- | --- | --- | --- | --- |")
    for name in given.tables or TABLES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.csv"
            task = Task.of(path, TABLES[name](path), given.minutes, given.seed)
            first, metric = ours(task)
            second = flaml(task, metric)
            count = len(task.train) + len(task.test)
            print(f"| {name} | {count:,} | {metric} | {first.text()} | {second.text()} |", flush=True)


if __name__ == "__main__":
    main()
