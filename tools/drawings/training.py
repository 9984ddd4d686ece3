"""What the drawings share: small data, and a loop that trains on them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F

Array = np.ndarray


def digits() -> tuple[Array, Array]:
    """The 1,797 pictures of the wheel, [1797, 8, 8] from 0 to 1, and what they show."""
    data = pt.plugin.registry().load("data", "digits")
    train = data.build(data.Params(), Path()).splits["train"]
    fields = train.fetch(np.arange(len(train)))
    order = np.random.default_rng(0).permutation(len(fields["y"]))
    return fields["x"].reshape(-1, 8, 8)[order].astype("float32") / 16, fields["y"][order].astype("int64")


def mlp(*sizes: int, seed: int = 0, activation: Callable[[], pt.nn.Module] = pt.nn.ReLU) -> pt.nn.Module:
    pt.random.seed(seed)
    parts: list[pt.nn.Module] = [pt.nn.Flatten()]
    for a, b in itertools.pairwise(sizes):
        parts += [pt.nn.Linear(a, b), activation()]
    return pt.nn.Sequential(*parts[:-1])


def batches(x: Array, y: Array, size: int, seed: int = 0) -> Iterator[tuple[Array, Array]]:
    """One epoch of whole batches, in an order of its own."""
    order = np.random.default_rng(seed).permutation(len(x))
    for at in range(0, len(x) - size + 1, size):
        rows = order[at : at + size]
        yield x[rows], y[rows]


def stepper(model: pt.nn.Module, opt: pt.optim.Optimizer, loss: Callable = F.cross_entropy) -> Callable:
    loss_and_grads = pt.nn.value_and_grad(model, lambda x, y: loss(model(x), y))

    @pt.compile
    def step(x, y):
        value, grads = loss_and_grads(x, y)
        opt.update(grads)
        return value

    return step


def scores(model: pt.nn.Module, x: Array, y: Array) -> tuple[float, float]:
    """Mean cross-entropy and accuracy, as the model is used."""
    model.eval()
    logits = model(x)
    model.train()
    return F.cross_entropy(logits, y).item(), float((logits.numpy().argmax(axis=1) == y).mean())


def train(model: pt.nn.Module, x: Array, y: Array, *, epochs: int, lr: float, size: int = 32,
          weight_decay: float = 0.0, change: Callable[[Array, int], Array] | None = None,
          after: Callable[[int], None] | None = None) -> pt.nn.Module:  # fmt: skip
    """Train with AdamW; `change` alters the pictures of an epoch, `after` looks on at the end of each."""
    step = stepper(model, pt.optim.AdamW(model, lr=lr, weight_decay=weight_decay))
    for epoch in range(epochs):
        seen = x if change is None else change(x, epoch)
        for a, b in batches(seen, y, size, epoch):
            step(a, b)
        if after:
            after(epoch)
    return model


def shifted(x: Array, seed: int) -> Array:
    """Each picture moved by up to one pixel each way."""
    rng = np.random.default_rng(seed)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    moves = rng.integers(0, 3, (len(x), 2))
    return np.stack([picture[a : a + 8, b : b + 8] for picture, (a, b) in zip(padded, moves, strict=True)])


def moons(count: int, noise: float, seed: int = 0) -> tuple[Array, Array]:
    """Two half circles, one inside the other's opening."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 2
    angle = rng.uniform(0, np.pi, count)
    x = np.stack([np.cos(angle) + y, np.sin(angle) * (1 - 2 * y) + 0.5 * y], axis=1)
    return (x + rng.normal(0, noise, x.shape)).astype("float32"), y
