"""Pictures of how steps are made: rates, batches, optimizers, gradients, scales."""

from __future__ import annotations

import contextlib

import numpy as np
from chart import Chart
from training import batches, digits, mlp, scores, stepper

import powertrain as pt
import powertrain.nn.functional as F


def gradient_descent() -> str:
    """The way of 25 steps through a bowl that is steep one way and flat the other."""
    bowl = pt.grad(lambda w: (w * w * pt.tensor([0.5, 5.0])).sum())
    chart = Chart("Gradient descent: each step goes down the slope where it stands", (-4.4, 4.4), (-1.6, 1.6),
                  "first weight", "second weight")  # fmt: skip
    for radius in (0.5, 1, 1.5, 2, 2.5, 3):
        angle = np.linspace(0, 2 * np.pi, 80)
        chart.line(radius * 1.4 * np.cos(angle), radius * 0.44 * np.sin(angle), colour=5, width=0.5)
    for place, (rate, label) in enumerate(((0.02, "rate 0.02: slow"), (0.15, "rate 0.15"), (0.19, "rate 0.19: jumps"))):
        way = [np.array([-4.0, 1.3], "float32")]
        for _ in range(25):
            way.append(way[-1] - rate * bowl(pt.tensor(way[-1])).numpy())
        points = np.array(way)
        chart.line(points[:, 0], points[:, 1], label, colour=place, width=1.4)
        chart.dots(points[:, 0], points[:, 1], colour=place, radius=2.2)
    return chart.svg()


def learning_rate() -> str:
    x, y = digits()
    chart = Chart("Training loss of the same network at four learning rates (SGD)", (0, 300), (0, 3), "step", "loss")
    for place, rate in enumerate((0.003, 0.03, 0.5, 5.0)):
        model = mlp(64, 64, 10)
        step = stepper(model, pt.optim.SGD(model, lr=rate))
        losses: list[float] = []
        for epoch in range(6):
            losses += [step(a, b).item() for a, b in batches(x[:1600], y[:1600], 32, epoch)]
        smooth = np.convolve(losses, np.ones(10) / 10, "valid")
        chart.line(range(len(smooth)), smooth, f"rate {rate:g}", colour=place)
    return chart.svg()


def epochs_and_batches() -> str:
    x, y = digits()
    chart = Chart("Validation accuracy after each epoch, for three batch sizes", (0, 10), (0, 1), "epoch", "accuracy")
    for place, size in enumerate((16, 128, 1024)):
        model = mlp(64, 64, 10)
        step = stepper(model, pt.optim.SGD(model, lr=0.1))
        found = [scores(model, x[1200:], y[1200:])[1]]
        for epoch in range(10):
            for a, b in batches(x[:1200], y[:1200], size, epoch):
                step(a, b)
            found.append(scores(model, x[1200:], y[1200:])[1])
        chart.line(range(11), found, f"batches of {size}: {1200 // size} an epoch", colour=place)
    return chart.svg()


def optimizers() -> str:
    x, y = digits()
    chart = Chart("Training loss by optimizer, each at a good rate of its own", (0, 200), (0, 2.4), "step", "loss")
    makers = (
        ("SGD", lambda m: pt.optim.SGD(m, lr=0.1)),
        ("SGD with momentum", lambda m: pt.optim.SGD(m, lr=0.1, momentum=0.9)),
        ("AdamW", lambda m: pt.optim.AdamW(m, lr=3e-3)),
    )
    for place, (name, make) in enumerate(makers):
        model = mlp(64, 64, 10)
        step = stepper(model, make(model))
        losses: list[float] = []
        for epoch in range(4):
            losses += [step(a, b).item() for a, b in batches(x[:1600], y[:1600], 32, epoch)]
        chart.line(range(191), np.convolve(losses, np.ones(10) / 10, "valid"), name, colour=place)
    return chart.svg()


def vanishing_gradients() -> str:
    """The norm of each layer's gradient in fresh networks of ten layers."""
    x, y = digits()
    chart = Chart("Size of the gradient at each of ten layers, before training", (1, 10), (-9, 0),
                  "layer (1 is next to the input)", "log10 of the norm")  # fmt: skip
    for place, (name, kind) in enumerate((("sigmoid", pt.nn.Sigmoid), ("ReLU", pt.nn.ReLU))):
        model = mlp(64, *[64] * 9, 10, activation=kind)
        for layer in model.modules():
            if isinstance(layer, pt.nn.Linear) and kind is pt.nn.ReLU:
                pt.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        _, grads = pt.nn.value_and_grad(model, lambda x, y, net=model: F.cross_entropy(net(x), y))(x[:256], y[:256])
        norms = [np.linalg.norm(grad.numpy()) for path, grad in grads.items() if path.endswith("weight")]
        chart.line(range(1, 11), np.log10(norms), name, colour=place)
        chart.dots(range(1, 11), np.log10(norms), colour=place)
    return chart.svg()


def normalization() -> str:
    """One feature in thousands, one in thousandths: the same network on both, and on standardized ones."""
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(800, 4)).astype("float32")
    y = (plain.sum(axis=1) > 0).astype("int64")
    raw = plain * np.array([1000, 1, 1, 0.01], "float32") + np.array([5000, 0, 0, 0], "float32")
    ready = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    chart = Chart("The same data, raw and normalized", (0, 30), (0.4, 1), "epoch", "validation accuracy")
    for place, (name, x) in enumerate((("raw features", raw), ("normalized features", ready))):
        model = mlp(4, 32, 2)
        step = stepper(model, pt.optim.SGD(model, lr=0.05))
        found = [scores(model, x[600:], y[600:])[1]]
        for epoch in range(30):
            for a, b in batches(x[:600], y[:600], 30, epoch):
                with contextlib.suppress(pt.NonFiniteError):  # the step then changes nothing
                    step(a, b)
            found.append(scores(model, x[600:], y[600:])[1])
        chart.line(range(31), found, name, colour=1 - place)
    return chart.svg()


def loss_and_metric() -> str:
    """What three losses say of one prediction."""
    chart = Chart("What a loss says of the probability that the right answer got", (0, 1), (0, 5),
                  "probability of the right answer", "loss")  # fmt: skip
    p = np.linspace(0.005, 1, 200)
    logits = np.stack([np.log(p), np.log(np.maximum(1 - p, 1e-9))], axis=1)
    losses = F.cross_entropy(logits, np.zeros(200, "int64"), reduction="none").numpy()
    chart.line(p, losses, "cross-entropy", colour=0)
    chart.line(p, (p < 0.5).astype(float), "error of accuracy: 0 or 1", colour=1)
    chart.line(p, 2 * (1 - p) ** 2, "squared error", colour=2)
    return chart.svg()


DRAWINGS = (
    gradient_descent, learning_rate, epochs_and_batches, optimizers, vanishing_gradients, normalization, loss_and_metric
)  # fmt: skip
