"""Pictures of what holds on new data, and what only seems to."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import numpy as np
from chart import Chart
from training import Array, digits, mlp, moons, scores, shifted, train

import powertrain as pt


def _curves(seen: int, epochs: int, hidden: int = 256) -> tuple[list[float], list[float]]:
    """Losses on `seen` training digits and on 797 others, after each epoch."""
    x, y = digits()
    wrong = y[:seen].copy()
    wrong[::6] = (wrong[::6] + 3) % 10  # labels by people are wrong now and then
    model = mlp(64, hidden, hidden, 10)
    on_train: list[float] = []
    on_valid: list[float] = []

    def look(_: int) -> None:
        on_train.append(scores(model, x[:seen], wrong)[0])
        on_valid.append(scores(model, x[1000:], y[1000:])[0])

    train(model, x[:seen], wrong, epochs=epochs, lr=2e-3, after=look)
    return on_train, on_valid


def overfitting() -> str:
    on_train, on_valid = _curves(400, 60)
    chart = Chart("400 digits, a sixth with a wrong label", (0, 60), (0, 2.4), "epoch", "loss")
    chart.line(range(1, 61), on_train, "training examples", colour=0)
    chart.line(range(1, 61), on_valid, "examples not seen", colour=1)
    best = int(np.argmin(on_valid)) + 1
    chart.mark(best, "from here on it learns by heart")
    return chart.svg()


def early_stopping() -> str:
    _, on_valid = _curves(400, 60)
    best = stopped = 1
    while stopped - best < 5:
        stopped += 1
        if on_valid[stopped - 1] < on_valid[best - 1]:
            best = stopped
    chart = Chart("Stop after five epochs without a better one; keep the best", (0, 60), (0.2, 1.2), "epoch",
                  "validation loss")  # fmt: skip
    chart.line(range(1, stopped + 1), on_valid[:stopped], "what the run sees", colour=1)
    chart.line(range(stopped, 61), on_valid[stopped - 1 :], "what would have come", colour=5, dashed=True)
    chart.dots([best], [on_valid[best - 1]], colour=0, radius=6)
    chart.note(best, on_valid[best - 1] - 0.1, f"these weights are kept: epoch {best}", anchor="middle")
    chart.mark(stopped, "stop")
    return chart.svg()


def bias_and_variance() -> str:
    """Polynomials through 15 points of a sine, for five draws of the points."""
    grid = np.linspace(0, 1, 120)
    chart = Chart("Five draws of 15 points, and a polynomial through each", (0, 1), (-2, 2), "x", "y")
    for place, (degree, label) in enumerate(((1, "degree 1: bias"), (4, "degree 4"), (9, "degree 9: variance"))):
        for seed in range(5):
            rng = np.random.default_rng(seed)
            x = np.linspace(0, 1, 15)
            y = np.sin(2 * np.pi * x) + rng.normal(0, 0.25, 15)
            powers = np.arange(1, degree + 1)
            coef, intercept = pt.solvers.fit_ridge((2 * x[:, None] - 1) ** powers, y, l2=1e-8)
            values = (2 * grid[:, None] - 1) ** powers @ np.ravel(coef) + intercept
            chart.line(grid, np.clip(np.ravel(values), -2, 2), label if seed == 0 else "", colour=place, width=1.2)
    chart.line(grid, np.sin(2 * np.pi * grid), "the truth", colour=5, width=2.6)
    return chart.svg()


def train_validation_test() -> str:
    """Labels are coins: nothing can be learned. The best of many models still looks good where it was chosen."""
    rng = np.random.default_rng(0)
    valid, test = rng.integers(0, 2, 100), rng.integers(0, 2, 100)
    counts = (1, 3, 10, 30, 100, 300, 1000)
    chosen, honest = [], []
    for count in counts:
        best, kept = [], []
        for _ in range(40):
            answers = rng.integers(0, 2, (count, 200))
            good = (answers[:, :100] == valid).mean(axis=1)
            best.append(good.max())
            kept.append((answers[good.argmax(), 100:] == test).mean())
        chosen.append(float(np.mean(best)))
        honest.append(float(np.mean(kept)))
    chart = Chart("Labels by coin flip: choose the best of N guessing models", (1, 1000), (0.4, 0.75),
                  "models tried, N", "accuracy of the chosen one", log_x=True)  # fmt: skip
    chart.line(counts, chosen, "on the validation part that it was chosen by", colour=1)
    chart.line(counts, honest, "on the test part", colour=0)
    return chart.svg()


def regularization() -> str:
    """Weight decay on few noisy points: what the training part loses, the others gain."""
    x, y = moons(60, 0.35, 1)
    x_new, y_new = moons(2000, 0.35, 2)
    strengths = (0.0, 1.0, 3.0, 10.0, 60.0)
    rows = []
    for strength in strengths:
        model = train(mlp(2, 128, 128, 2), x, y, epochs=150, lr=3e-3, size=20, weight_decay=strength)
        rows.append((scores(model, x, y)[1], scores(model, x_new, y_new)[1]))
    chart = Chart("60 noisy points: accuracy as weight decay grows", (0, len(strengths)), (0, 1.05),
                  "weight decay", "accuracy", ticks=False)  # fmt: skip
    chart.bars(
        [f"{strength:g}" for strength in strengths],
        [("training examples", [a for a, _ in rows]), ("new examples", [b for _, b in rows])],
    )
    return chart.svg()


def augmentation() -> str:
    x, y = digits()
    moved = shifted(x[1000:], 99)
    found: list[tuple[str, list[float]]] = []
    for name, change in (("as they are", None), ("moved by up to a pixel, anew in each epoch", shifted)):
        model = train(mlp(64, 128, 10), x[:300], y[:300], epochs=60, lr=2e-3, change=change)
        found.append((name, [scores(model, x[1000:], y[1000:])[1], scores(model, moved, y[1000:])[1]]))
    chart = Chart("Trained on 300 digits: accuracy on new ones", (0, 2), (0, 1.05), "", "accuracy", ticks=False)
    chart.bars(["new digits", "new digits, moved by a pixel"], found)
    return chart.svg()


def class_imbalance() -> str:
    """3 % of the examples are the rare class."""
    rng = np.random.default_rng(0)

    def draw(count: int) -> tuple[Array, Array]:
        y = (rng.random(count) < 0.03).astype("int64")
        return (rng.normal(size=(count, 2)) + 1.6 * y[:, None]).astype("float32"), y

    (x, y), (x_new, y_new) = draw(4000), draw(4000)
    found: list[tuple[str, list[float]]] = [("always says no", [float((y_new == 0).mean()), 0.0])]
    for name, weight in (("plain", None), ('class_weight="balanced"', "balanced")):
        pt.random.seed(0)
        run = pt.fit(model=pt.nn.Linear(2, 2), data=(x, y), class_weight=weight, epochs=10, lr=0.02, verbose=False)
        said = run.predict(x_new).outputs.argmax(axis=1)
        found.append((name, [float((said == y_new).mean()), float(said[y_new == 1].mean())]))
    chart = Chart("3 of 100 examples are the rare class", (0, 2), (0, 1.1), "", "", ticks=False)
    chart.bars(["accuracy", "share of the rare class that is found"], found)
    return chart.svg()


def data_leakage() -> str:
    """2,000 columns of noise. The 20 that go with the target best are picked before the split, or after it."""
    rng = np.random.default_rng(0)
    leaked, honest = [], []
    for _ in range(20):
        x, y = rng.normal(size=(100, 2000)), rng.integers(0, 2, 100)
        for rows, into in ((slice(0, 100), leaked), (slice(0, 60), honest)):
            with_target = np.abs((x[rows] - x[rows].mean(0)).T @ (y[rows] - y[rows].mean()))
            best = np.argsort(-with_target)[:20]
            fit = pt.solvers.fit_logistic(x[:60, best], y[:60], 2, l2=0.1)
            said = np.asarray(fit.probabilities(x[60:, best])).argmax(axis=1)
            into.append(float((said == y[60:]).mean()))
    chart = Chart("Pure noise: accuracy on 40 rows held out, mean of 20 draws", (0, 2), (0, 1), "",
                  "accuracy", ticks=False)  # fmt: skip
    chart.bars(["columns chosen on all rows", "columns chosen on the training rows"],
               [("", [float(np.mean(leaked)), float(np.mean(honest))])])  # fmt: skip
    return chart.svg()


def drift() -> str:
    """The border between two classes turns by 12 degrees a month."""

    def month(number: int) -> tuple[Array, Array]:
        rng = np.random.default_rng(number)
        x = rng.normal(size=(400, 2)).astype("float32")
        angle = np.deg2rad(12 * number)
        return x, (x @ np.array([np.cos(angle), np.sin(angle)], "float32") > 0).astype("int64")

    old, new = [], []
    first = train(mlp(2, 16, 2), *month(0), epochs=20, lr=0.01)
    for number in range(1, 13):
        recent = train(mlp(2, 16, 2), *month(number - 1), epochs=20, lr=0.01)
        old.append(scores(first, *month(number))[1])
        new.append(scores(recent, *month(number))[1])
    chart = Chart("The world changes a little each month", (1, 12), (0, 1), "month", "accuracy in that month")
    chart.line(range(1, 13), new, "trained anew on the month before", colour=0)
    chart.line(range(1, 13), old, "trained once, in month 0", colour=1)
    return chart.svg()


def privacy() -> str:
    """The densities of a sum with Gaussian noise, with and without an example that moves it by 1."""
    grid = np.linspace(-4, 5, 181)
    chart = Chart("The result of a sum, with one example and without it", (-4, 5), (0, 0.9), "result", "how likely")
    for place, (noise, label) in enumerate(((0.45, "little noise"), (2.0, "much noise"))):
        for moved, dashed in ((0, False), (1, True)):
            heights = np.exp(-((grid - moved) ** 2) / (2 * noise**2)) / (noise * np.sqrt(2 * np.pi))
            words = f"{label}, with" if moved else f"{label}, without"
            chart.line(grid, heights, words, colour=place, dashed=dashed)
    return chart.svg()


def federated_learning() -> str:
    """The same clients with examples of all digits, and with two digits each."""
    chart = Chart("16 clients, whose weights are averaged", (0, 40), (0, 1), "round", "accuracy on other images")
    ways = (("even", "each client has all digits"), ("sorted", "each client has two digits"))
    for place, (partition, label) in enumerate(ways):
        strategy = {"use": "federated", "clients": 16, "fraction": 0.5, "epochs": 2, "partition": partition}
        with tempfile.TemporaryDirectory() as folder:
            run = pt.fit(
                "digits-federated", strategy=strategy, folder=Path(folder) / "run", verbose=False,
                report={"baseline": False}, expect={},
                run={"until": "40 rounds", "batch_size": 16, "evaluate": {"every": "1 round"}},
            )  # fmt: skip
            values = [row["valid.accuracy"] for row in run.history]
        chart.line(range(1, len(values) + 1), values, label, colour=place)
    return chart.svg()


def calibration() -> str:
    """How often an answer is right, for each probability that it was given with."""
    x, y = moons(150, 0.45, 3)
    x_new, y_new = moons(6000, 0.45, 4)
    chart = Chart("How often is an answer of some probability right?", (0.5, 1), (0.4, 1),
                  "probability that the model gives", "share that is right")  # fmt: skip
    for place, (name, epochs) in enumerate((("trained for 15 epochs", 15), ("trained for 400 epochs", 400))):
        model = train(mlp(2, 64, 64, 2), x, y, epochs=epochs, lr=3e-3)
        p = pt.softmax(model(x_new), axis=-1).numpy()
        sure, right = p.max(axis=1), p.argmax(axis=1) == y_new
        edges = np.linspace(0.5, 1, 8)
        inside = [(sure >= a) & (sure < b + 1e-9) for a, b in itertools.pairwise(edges)]
        kept = [one for one in inside if one.sum() > 40]
        chart.line([sure[one].mean() for one in kept], [right[one].mean() for one in kept], name, colour=place)
    chart.line([0.5, 1], [0.5, 1], "as it should be", colour=5, dashed=True)
    return chart.svg()


DRAWINGS = (
    overfitting, early_stopping, bias_and_variance, train_validation_test, regularization, augmentation,
    class_imbalance, data_leakage, drift, privacy, federated_learning, calibration,
)  # fmt: skip
