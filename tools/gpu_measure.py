"""Measure pt.cuda's first device, for tools/gpu.py: `gpu_measure.py [--small]` prints a line of JSON for each number,
as soon as it has it. Each is the median of calls that are waited for, after some that are not counted."""

from __future__ import annotations

import functools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F

SMALL = "--small" in sys.argv
SECONDS = 0.1 if SMALL else 1.0  # for each number
WARM_UP = 3
DEVICE = "cuda"


class Measured(NamedTuple):
    what: str
    size: str
    value: float
    unit: str


def seconds_of(call: Callable[[], Any]) -> float:
    """The median of a call whose work is waited for."""
    for _ in range(WARM_UP):
        call()
    pt.cuda.synchronize()
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        pt.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def copies() -> Iterator[Measured]:
    mebibytes = 1 if SMALL else 256
    host = np.ones(mebibytes << 18, np.float32)
    tensor, there = pt.asarray(host), pt.tensor(host, device=DEVICE)
    size = f"{mebibytes} MiB"
    yield Measured("copy to the device", size, host.nbytes / seconds_of(lambda: tensor.to(DEVICE)) / 1e9, "GB/s")
    yield Measured("copy from the device", size, host.nbytes / seconds_of(lambda: there.to("cpu")) / 1e9, "GB/s")
    within = seconds_of(lambda: pt.tensor(there))
    yield Measured("copy on the device, read and written", size, 2 * host.nbytes / within / 1e9, "GB/s")
    added = seconds_of(lambda: there + there)
    yield Measured("x + x, read and written", size, 2 * host.nbytes / added / 1e9, "GB/s")


def products() -> Iterator[Measured]:
    for dtype in ("float32", "bfloat16"):
        for n in (64,) if SMALL else (1024, 2048, 4096, 8192):
            step = functools.partial(pt.compile(lambda x: x @ x), pt.ones((n, n), device=DEVICE).astype(dtype))
            yield Measured(f"x @ x, {dtype}", f"{n} x {n}", 2 * n**3 / seconds_of(step) / 1e12, "TFLOP/s")


def adamw() -> Iterator[Measured]:
    for numbers in (1 << 10,) if SMALL else (1 << 20, 1 << 26):
        traffic = 7 * 4 * numbers  # gradient, weight and two moments read, the last three written
        seconds = seconds_of(update_of(numbers))
        yield Measured("AdamW", f"{numbers} weights", traffic / seconds / 1e9, "GB/s")


def update_of(numbers: int) -> Callable[[], Any]:
    model = pt.nn.Linear(numbers // 64, 64, bias=False, device=DEVICE)
    opt = pt.optim.AdamW(model, lr=1e-3)
    loss_and_grads = pt.nn.value_and_grad(model, lambda: model.weight.value.sum())

    @pt.compile
    def step() -> Any:
        loss, grads = loss_and_grads()
        opt.update(grads)
        return loss

    return step


class Transformer(pt.nn.Module):
    def __init__(self, width: int, layers: int, words: int) -> None:
        super().__init__()
        self.tokens = pt.nn.Embedding(words, width)
        self.layers = pt.nn.ModuleList(
            [pt.nn.TransformerEncoderLayer(width, max(width // 64, 1), 4 * width, dropout=0.0) for _ in range(layers)]
        )
        self.head = pt.nn.Linear(width, words)

    def forward(self, x: Any) -> Any:
        y = self.tokens(x)
        for layer in self.layers:
            y = layer(y, is_causal=True)
        return self.head(y)


class Convolutions(pt.nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = (
            pt.nn.Conv2d(3, channels, 3, padding=1),
            pt.nn.Conv2d(channels, channels, 3, padding=1),
        )
        self.head = pt.nn.Linear(channels, 10)

    def forward(self, x: Any) -> Any:
        y = F.max_pool2d(F.relu(self.first(x)), 2)
        return self.head(F.relu(self.second(y)).mean(axis=(1, 2)))


def training_step(model: pt.nn.Module, precision: str, *batch: Any) -> float:
    """Seconds of a whole step on a batch that is on the device."""
    opt = pt.optim.AdamW(model, lr=1e-3)

    def loss(x: Any, y: Any) -> Any:
        out = model(x)
        return F.cross_entropy(out.reshape((-1, out.shape[-1])), y.reshape((-1,)))

    loss_and_grads = pt.nn.value_and_grad(model, loss)

    @pt.compile
    def step(x: Any, y: Any) -> Any:
        with pt.autocast(precision):
            value, grads = loss_and_grads(x, y)
        opt.update(grads)
        return value

    given = [pt.tensor(one, device=DEVICE) for one in batch]
    return seconds_of(lambda: step(*given))


def steps() -> Iterator[Measured]:
    draw = np.random.default_rng(0)
    rows, length, width, layers = (2, 8, 16, 1) if SMALL else (16, 512, 768, 12)
    x = draw.integers(0, 256, (rows, length))
    images, channels, side = (4, 4, 8) if SMALL else (256, 64, 32)
    pixels = draw.normal(size=(images, side, side, 3)).astype("float32")
    labels = draw.integers(0, 10, images)
    for precision in ("f32", "bf16"):
        with pt.device(DEVICE):
            transformer, convolutions = Transformer(width, layers, 256), Convolutions(channels)
        size = f"{layers} layers of {width}, {rows} x {length} tokens, {precision}"
        yield Measured("step of a transformer", size, 1e3 * training_step(transformer, precision, x, x), "ms")
        size = f"{channels} channels, {images} images of {side} x {side}, {precision}"
        yield Measured(
            "step of two convolutions", size, 1e3 * training_step(convolutions, precision, pixels, labels), "ms"
        )


def main() -> None:
    for part in (copies, products, adamw, steps):
        try:
            for one in part():
                print(json.dumps(one._asdict()), flush=True)
        except pt.Error as error:  # the other parts are still worth having
            print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
