"""Small models with the compiled steps that train them, for tests of devices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F


class MLP(pt.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = pt.nn.Linear(12, 32), pt.nn.Linear(32, 32), pt.nn.Linear(32, 4)

    def forward(self, x: Any) -> Any:
        return self.head(F.gelu(self.second(F.relu(self.first(x)))))


class Convnet(pt.nn.Module):
    """A residual block with batch norm and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = pt.nn.Conv2d(3, 8, 3, padding=1), pt.nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.again = pt.nn.BatchNorm2d(8), pt.nn.BatchNorm2d(8)
        self.drop, self.head = pt.nn.Dropout(0.1), pt.nn.Linear(8, 4)

    def forward(self, x: Any) -> Any:
        y = F.relu(self.norm(self.first(x)))
        y = F.relu(self.again(self.second(y)) + y)
        return self.head(self.drop(y.mean(axis=(1, 2))))


class Transformer(pt.nn.Module):
    """One causal layer over 12 of 17 tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = pt.nn.Embedding(17, 16), pt.nn.Embedding(12, 16)
        self.layer, self.head = pt.nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1), pt.nn.Linear(16, 17)

    def forward(self, x: Any) -> Any:
        return self.head(self.layer(self.tokens(x) + self.places(pt.arange(12)), is_causal=True))


Model = type[MLP] | type[Convnet] | type[Transformer]
MODELS: tuple[Model, ...] = (MLP, Convnet, Transformer)


def batches(make: Model) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Inputs and labels, without end."""
    draw = np.random.default_rng(0)
    while True:
        if make is Transformer:
            yield draw.integers(0, 17, (4, 12)), draw.integers(0, 17, (4, 12))
        else:
            shape = (6, 12) if make is MLP else (6, 8, 8, 3)
            yield draw.normal(size=shape).astype("float32"), draw.integers(0, 4, 6)


def training(make: Model, device: str, precision: str = "f32") -> tuple[pt.nn.Module, Any]:
    """A model on a device, and its compiled step with AdamW, which gives the loss."""
    pt.random.seed(0)
    with pt.device(device):
        model = make()
        optimizer = pt.optim.AdamW(model, lr=0.01, clip=1.0)

        def loss(x: Any, y: Any) -> Any:
            out = model(x)
            return F.cross_entropy(out.reshape((-1, out.shape[-1])), y.reshape((-1,)))

        loss_and_grads = pt.nn.value_and_grad(model, loss)

        @pt.compile
        def step(x: Any, y: Any) -> Any:
            with pt.autocast(precision):
                value, grads = loss_and_grads(x, y)
            optimizer.update(grads)
            return value

    return model, step


def losses(make: Model, device: str, steps: int, precision: str = "f32") -> list[float]:
    """Of the first steps."""
    step = training(make, device, precision)[1]
    found = []
    for _, (x, y) in zip(range(steps), batches(make), strict=False):
        value = step(x, y)
        assert value.device == device
        found.append(value.item())
    return found


def trained(make: Model, device: str, steps: int) -> dict[str, Any]:
    """A hash of all numbers after so many steps, and the kernels of the step's program."""
    model, step = training(make, device)
    numbers = hashlib.sha256()
    for _, (x, y) in zip(range(steps), batches(make), strict=False):
        numbers.update(step(x, y).numpy().tobytes())
    for value in model.state_dict().values():
        numbers.update(np.ascontiguousarray(value).tobytes())
    kernels = [instruction["kernel"] for instruction in step.programs[0]["instructions"]]
    return {"hash": numbers.hexdigest(), "kernels": kernels}
