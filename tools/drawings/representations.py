"""Pictures of what networks make of their inputs, and of choosing."""

from __future__ import annotations

import itertools

import numpy as np
from chart import COLOURS, Chart, cells, grey_pictures
from training import digits, mlp, scores, shifted, stepper, train

import powertrain as pt
import powertrain.nn.functional as F


def embeddings() -> str:
    """A network that must pass each digit through two numbers."""
    x, y = digits()
    pt.random.seed(3)
    into_two = pt.nn.Sequential(pt.nn.Flatten(), pt.nn.Linear(64, 64), pt.nn.ReLU(), pt.nn.Linear(64, 2), pt.nn.Tanh())
    model = pt.nn.Sequential(into_two, pt.nn.Linear(2, 64), pt.nn.ReLU(), pt.nn.Linear(64, 10))
    train(model, x[:1400], y[:1400], epochs=60, lr=3e-3)
    places = into_two(x[1400:]).numpy()
    chart = Chart("397 new digits at the two numbers that a network makes of each", (-1.1, 1.1), (-1.1, 1.1), "", "",
                  ticks=False)  # fmt: skip
    for (a, b), label in zip(places, y[1400:], strict=True):
        chart.note(float(a), float(b), str(label), anchor="middle", colour=COLOURS[label % len(COLOURS)])
    return chart.svg()


class Turner(pt.nn.Module):
    """One layer of attention from places of the answer to places of a text of eight letters."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = pt.nn.Embedding(8, 16)
        self.places = pt.nn.Parameter(pt.random.normal(size=(8, 32)) * 0.3)
        self.asked = pt.nn.Parameter(pt.random.normal(size=(8, 32)) * 0.3)
        self.key, self.value, self.out = pt.nn.Linear(48, 16), pt.nn.Linear(48, 16), pt.nn.Linear(16, 8)
        self.query = pt.nn.Linear(32, 16)

    def weights(self, words):
        seen = pt.concat([self.letters(words), pt.broadcast_to(self.places, (words.shape[0], 8, 32))], axis=-1)
        scores = self.query(self.asked) @ pt.swapaxes(self.key(seen), 1, 2) / 4.0
        return pt.softmax(scores, axis=-1), seen

    def forward(self, words):
        weights, seen = self.weights(words)
        return self.out(weights @ self.value(seen))


def attention() -> str:
    pt.random.seed(0)
    model, rng = Turner(), np.random.default_rng(0)
    step = stepper(model, pt.optim.AdamW(model, lr=3e-3))
    for _ in range(700):
        words = rng.integers(0, 8, (64, 8))
        step(words, words[:, ::-1].copy())
    one = np.array([[0, 1, 2, 3, 4, 5, 6, 7]])
    weights = model.weights(one)[0].numpy()[0]
    names = list("ABCDEFGH")
    return cells("Attention of a model that writes words backwards", weights.tolist(), "letter that is read",
                 "letter that is written", size=28, row_names=names[::-1], column_names=names)  # fmt: skip


def convolutions(classes: int) -> pt.nn.Module:
    pt.random.seed(0)
    return pt.nn.Sequential(
        pt.nn.Unflatten(-1, (8, 1)), pt.nn.Conv2d(1, 16, 3, padding=1), pt.nn.ReLU(),
        pt.nn.Conv2d(16, 32, 3, padding=1), pt.nn.ReLU(), pt.nn.AdaptiveMaxPool2d(2), pt.nn.Flatten(),
        pt.nn.Linear(128, classes),
    )  # fmt: skip


def _body(seed: int) -> pt.nn.Module:
    """Pictures of 14 x 14 to 64 numbers, wherever in them something is."""
    pt.random.seed(seed)
    return pt.nn.Sequential(
        pt.nn.Unflatten(-1, (14, 1)), pt.nn.Conv2d(1, 16, 3, padding=1), pt.nn.ReLU(), pt.nn.MaxPool2d(2),
        pt.nn.Conv2d(16, 64, 3, padding=1), pt.nn.ReLU(), pt.nn.Conv2d(64, 64, 3, padding=1), pt.nn.ReLU(),
        pt.nn.AdaptiveMaxPool2d(1), pt.nn.Flatten(),
    )  # fmt: skip


def transfer() -> str:
    """Digits somewhere in a larger picture: first many of 0 to 4, then few of 5 to 9."""
    small, y = digits()
    x, rng = np.zeros((len(small), 14, 14), "float32"), np.random.default_rng(0)
    for picture, digit, (top, left) in zip(x, small, rng.integers(0, 7, (len(small), 2)), strict=True):
        picture[top : top + 8, left : left + 8] = digit
    many, new = np.flatnonzero(y < 5), np.flatnonzero(y >= 5)
    known = pt.nn.Sequential(_body(0), pt.nn.Linear(64, 5))
    train(known, x[many], y[many], epochs=10, lr=3e-3)
    counts = (10, 20, 40, 80, 160)
    chart = Chart("Digits 5 to 9, somewhere in the picture, from few examples", (10, 160), (0.2, 1),
                  "training examples", "accuracy on new ones", log_x=True, ticks=False)  # fmt: skip
    for place, name in enumerate(("from a network that knows 0 to 4", "from scratch")):
        found = []
        for count in counts:
            body = known[0].clone() if place == 0 else _body(1)
            pt.random.seed(2)
            model = pt.nn.Sequential(body, pt.nn.Linear(64, 5))
            train(model, x[new[:count]], y[new[:count]] - 5, epochs=1200 // count + 10, lr=2e-3, size=10)
            found.append(scores(model, x[new[400:]], y[new[400:]] - 5)[1])
        chart.line(counts, found, name, colour=place)
        chart.dots(counts, found, colour=place)
        for count, value in zip(counts, found, strict=True):
            chart.note(count, value + (0.03, -0.06)[place], f"{value:.2f}", anchor="middle")
    for count in counts:
        chart.note(count, 0.21, str(count), anchor="middle")
    return chart.svg()


def convolution() -> str:
    """Pictures in the middle to learn from, moved ones to answer for."""
    x, y = digits()
    found: list[tuple[str, list[float]]] = []
    for name in ("dense layers", "convolutions and pooling"):
        model = mlp(64, 128, 10) if name == "dense layers" else convolutions(10)
        train(model, x[:1000], y[:1000], epochs=15, lr=2e-3)
        found.append((name, [scores(model, x[1000:], y[1000:])[1], scores(model, shifted(x[1000:], 5), y[1000:])[1]]))
    chart = Chart("Trained on digits in the middle of the picture", (0, 2), (0, 1.05), "", "accuracy", ticks=False)
    chart.bars(["new digits", "new digits, moved by a pixel"], found)
    return chart.svg()


def autoencoder() -> str:
    x, _ = digits()
    rows = [("digits not seen", x[1400:1408].tolist())]
    for code in (2, 8, 32):
        model = mlp(64, 64, code, 64, 64)
        step = stepper(model, pt.optim.AdamW(model, lr=3e-3), lambda out, target: F.mse_loss(out, target))
        for epoch in range(60):
            order = np.random.default_rng(epoch).permutation(1400)
            for at in range(0, 1376, 32):
                batch = x[order[at : at + 32]]
                step(batch, batch.reshape(32, 64))
        made = model(x[1400:1408]).numpy().reshape(8, 8, 8)
        rows.append((f"through {code} numbers", np.clip(made, 0, 1).tolist()))
    return grey_pictures("An autoencoder: each digit through a few numbers and back", rows)


def generative_models() -> str:
    """A network that takes noise away from digits, and then makes some of noise alone."""
    x, _ = digits()
    rows = 2 * x[:1400].reshape(1400, 64) - 1
    model = mlp(65, 256, 256, 64, activation=pt.nn.SiLU)
    step = stepper(model, pt.optim.AdamW(model, lr=2e-3), lambda out, target: F.mse_loss(out, target))
    rng = pt.random.Generator(0)
    for epoch in range(150):
        order = np.random.default_rng(epoch).permutation(1400)
        for at in range(0, 1344, 64):
            angle = rng.uniform(0, np.pi / 2, size=(64, 1)).numpy()
            clean, noise = rows[order[at : at + 64]], rng.normal(size=(64, 64)).numpy()
            noisy = clean * np.cos(angle) + noise * np.sin(angle)
            step(np.concatenate([noisy, angle], axis=1), noise * np.cos(angle) - clean * np.sin(angle))
    angles = np.linspace(0, np.pi / 2, 8, dtype="float32")
    noise = rng.normal(size=(1, 64)).numpy()
    there = [rows[1] * np.cos(angle) + noise[0] * np.sin(angle) for angle in angles]
    ways = []
    for _ in range(2):
        now, way = rng.normal(size=(1, 64)).numpy(), []
        fine = np.linspace(np.pi / 2, 0, 71, dtype="float32")
        for place, (angle, following) in enumerate(itertools.pairwise(fine)):
            way += [now[0]] if place % 10 == 0 else []
            said = model(np.concatenate([now, [[angle]]], axis=1).astype("float32")).numpy()
            now = now * np.cos(angle - following) - said * np.sin(angle - following)
        ways.append([*way, now[0]])
    shown = [("a digit, and noise added", there), ("noise taken away", ways[0]), ("once more", ways[1])]
    pictures = [(name, np.clip(0.5 + 0.5 * np.array(way), 0, 1).reshape(-1, 8, 8).tolist()) for name, way in shown]
    return grey_pictures(
        "Noise is added to a digit; a network takes it away, and makes digits of noise alone", pictures
    )


def clustering() -> str:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(centre, 0.45, (60, 2)) for centre in ((-1.6, -1), (1.5, -1.1), (0.1, 1.4))])
    centers = pt.solvers.kmeans(x, pt.solvers.kmeans_plusplus(x, 3, seed=0)).centers
    chart = Chart("k-means: three groups, found without labels", (-3.4, 3.4), (-2.6, 2.8), "", "", ticks=False)
    nearest = ((x[:, None] - centers) ** 2).sum(axis=-1).argmin(axis=1)
    for group in range(3):
        chart.dots(x[nearest == group, 0], x[nearest == group, 1], f"group {group + 1}", colour=group)
    chart.dots(centers[:, 0], centers[:, 1], "centers", colour=5, radius=8)
    return chart.svg()


def exploration() -> str:
    """Ten machines with payouts that are not known; which one is pulled next?"""
    chart = Chart("Mean reward of three rules, over 300 games of 500 pulls", (0, 500), (0, 1.6), "pull", "reward")
    rng = np.random.default_rng(0)
    for place, (share, name) in enumerate(((0.0, "always the best so far"), (0.1, "one pull in ten at random"),
                                           (1.0, "always at random"))):  # fmt: skip
        worth = np.random.default_rng(7).normal(0, 1, (300, 10))
        counts, means, got = np.zeros((300, 10)), np.zeros((300, 10)), []
        games = np.arange(300)
        for _ in range(500):
            chosen = np.where(rng.random(300) < share, rng.integers(0, 10, 300), means.argmax(axis=1))
            reward = worth[games, chosen] + rng.normal(0, 1, 300)
            counts[games, chosen] += 1
            means[games, chosen] += (reward - means[games, chosen]) / counts[games, chosen]
            got.append(reward.mean())
        chart.line(range(20, 500), np.convolve(got, np.ones(21) / 21, "valid"), name, colour=place)
    return chart.svg()


DRAWINGS = (embeddings, attention, transfer, convolution, autoencoder, generative_models, clustering, exploration)
