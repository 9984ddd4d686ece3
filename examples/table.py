"""Predict a column of a CSV file that has empty cells and words in it.

python table.py customers.csv --target left

Numbers are normalized, and empty ones become 0 with a column beside them that says so. Words become one column each.
Everything is learned from the training rows alone. powertrain-tabular does the same in one line: pt.data.read_csv.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

import powertrain as pt


class Columns:
    """Turns rows of text into rows of numbers, by what it has seen in the training rows."""

    def __init__(self, rows, target):
        self.names = [name for name in rows[0] if name != target]
        self.numbers, self.words = {}, {}
        for name in self.names:
            cells = [row[name] for row in rows if row[name] != ""]
            try:
                values = np.array([float(cell) for cell in cells])
                self.numbers[name] = (values.mean(), values.std() or 1.0)
            except ValueError:
                self.words[name] = sorted(set(cells))

    def __call__(self, rows):
        columns = []
        for name in self.names:
            cells = [row[name] for row in rows]
            if name in self.numbers:
                mean, deviation = self.numbers[name]
                columns.append([(float(cell) - mean) / deviation if cell != "" else 0.0 for cell in cells])
                columns.append([float(cell == "") for cell in cells])
            else:
                columns += [[float(cell == word) for cell in cells] for word in self.words[name]]
        return np.array(columns, dtype="float32").T


def read(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--target", required=True, help="the column to predict")
    parser.add_argument("--drop", nargs="*", default=[], help="columns to leave out, such as an id")
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    rows = [{name: cell for name, cell in row.items() if name not in args.drop} for row in read(args.path)]
    labels = sorted({row[args.target] for row in rows})
    order = np.random.default_rng(args.seed).permutation(len(rows))
    cut = len(rows) * 4 // 5
    train_rows, test_rows = ([rows[at] for at in part] for part in (order[:cut], order[cut:]))
    columns = Columns(train_rows, args.target)
    x_train, x_test = columns(train_rows), columns(test_rows)
    y_train, y_test = (np.array([labels.index(row[args.target]) for row in part]) for part in (train_rows, test_rows))
    print(f"{len(rows)} rows, {x_train.shape[1]} columns of numbers, classes: {', '.join(labels)}")

    pt.random.seed(args.seed)
    model = pt.nn.Sequential(
        pt.nn.Linear(x_train.shape[1], args.hidden),
        pt.nn.ReLU(),
        pt.nn.Dropout(0.1),
        pt.nn.Linear(args.hidden, len(labels)),
    )
    run = pt.fit(
        model=model,
        data=(x_train, y_train),
        validation=0.15,
        class_weight="balanced",
        epochs=args.epochs,
        batch_size=64,
        lr=2e-3,
        metrics=["accuracy", "balanced-accuracy", "f1_macro"],
        run={"stop": {"watch": "valid.loss", "patience": 8}},
        seed=args.seed,
        verbose=False,
    )
    scores = run.evaluate((x_test, y_test))
    often = max(np.bincount(y_test)) / len(y_test)
    linear = pt.solvers.fit_logistic(x_train, y_train, len(labels), l2=1e-3)
    by_linear = (np.asarray(linear.probabilities(x_test)).argmax(axis=1) == y_test).mean()
    print(f"the most frequent class: {often:.3f}, a linear model: {by_linear:.3f}")
    print(", ".join(f"{name} {value:.3f}" for name, value in scores.items()))


if __name__ == "__main__":
    main()
