"""Watch a model in use, train it again when the world changes, and promote the better one.

python watch_and_retrain.py elec.csv --target class

The file is a stream: its rows are in the order of time. A model learns from the first ones. The others arrive in
blocks: the model predicts, a monitor compares inputs and outputs with those of the training, and the labels come
afterwards. An alarm starts a challenger on the most recent rows. It becomes champion where it is better on the last of
these.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

import powertrain as pt

NAME = "stream"


def read(path, target):
    """The columns that are numbers, and the classes."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = []
    for name in rows[0]:
        try:
            columns.append([float(row[name]) for row in rows] if name != target else None)
        except ValueError:
            print(f"the column {name} is left out: not numbers")
    classes = sorted({row[target] for row in rows})
    x = np.array([column for column in columns if column is not None], dtype="float32").T
    return x, np.array([classes.index(row[target]) for row in rows])


def first_model(args):
    """A recipe, since retraining needs a run that can be repeated on another file."""
    recipe = {
        "data": {"use": "arrays", "path": str(Path("first.npz").absolute()), "split": {"valid": 0.2}},
        "features": ["standardize"],
        "model": {"use": "mlp", "hidden": [32]},
        "optimizer": {"use": "adamw", "lr": 3e-3, "weight_decay": 0.01},
        "run": {"until": f"{args.epochs} epochs", "batch_size": 64, "seed": args.seed},
        "report": {"baseline": False},
    }
    return pt.fit(recipe, folder="runs/stream-0", verbose=False)


def rules():
    """Only what hurts is worth a new model: the error. Drift of inputs is shown, and starts nothing."""
    return [
        pt.monitor.Rule("drift", "count.drift", above=0),
        pt.monitor.Rule("error", "count.worse", above=0, min_samples=300),
    ]


def watched(run, args):
    return pt.monitor.Monitor(run.profile, window=args.window, rules=rules())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--target", required=True, help="the column to predict, a class")
    parser.add_argument("--first", type=int, default=4000, help="rows that the first model learns from")
    parser.add_argument("--block", type=int, default=336, help="rows that arrive at a time (a week of half hours)")
    parser.add_argument("--window", type=int, default=1344, help="rows that the monitor compares")
    parser.add_argument("--recent", type=int, default=2688, help="rows that a challenger learns from")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--most", type=int, help="rows of the file that are read")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    x, y = (part[: args.most] for part in read(args.path, args.target))
    np.savez("first.npz", x=x[: args.first], y=y[: args.first])
    run, registry = first_model(args), pt.models.Registry()
    registry.register(NAME, run.folder, alias="champion", why="the first")
    fixed = run  # never trained again, to compare with
    monitor, errors, drifted, pending = watched(run, args), [], set(), False

    for start in range(args.first, len(x) - args.block + 1, args.block):
        rows = slice(start, start + args.block)
        outputs = np.asarray(run.predict(x[rows]))
        ids = range(start, start + args.block)
        events = monitor.observe(x[rows], outputs, ids=ids)
        events += monitor.label(ids, y[rows])  # in earnest, they come later
        mine = np.mean(outputs.argmax(axis=1) != y[rows])
        errors.append((mine, np.mean(np.asarray(fixed.predict(x[rows])).argmax(axis=1) != y[rows])))
        for event in events:
            drifted.update(event.features if event.rule == "drift" and event.on else ())
            print(f"row {start + args.block:>6}  error {mine:.3f}  {event.text()}")
        for event in events:
            pending = event.on if event.rule == "error" else pending
        if not pending:
            continue
        recent = slice(max(0, rows.stop - args.recent), rows.stop)
        np.savez("recent.npz", x=x[recent], y=y[recent])
        found = run.retrain("recent.npz", policy="restart", ordered=True, name=NAME, folder=f"runs/stream-{start}")
        print(f"row {rows.stop:>6}  {found.line()}")
        print(f"row {rows.stop:>6}  {'promoted' if found.promoted else 'not promoted'}: {found.why}")
        if found.promoted:
            run, pending = pt.load(f"models:/{NAME}@champion"), False
            monitor = watched(run, args)

    mine, kept = np.mean(errors, axis=0)
    champions = sum(line.get("alias") == "champion" for line in registry.history(NAME))
    print(f"drifted: {', '.join(sorted(drifted)) or 'nothing'}; champions: {champions}")
    print(f"error of the watched model {mine:.3f}, of the first one {kept:.3f}")


if __name__ == "__main__":
    main()
