"""A small transformer and a small residual network on a simulated GPU, in both precisions, beside the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from simulated_gpu import simulated_gpus

GPU = simulated_gpus()[0]
STEPS = 5


class Transformer(pt.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = pt.nn.Embedding(17, 16), pt.nn.Embedding(12, 16)
        self.layer, self.head = pt.nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1), pt.nn.Linear(16, 17)

    def forward(self, x: Any) -> Any:
        return self.head(self.layer(self.tokens(x) + self.places(pt.arange(12)), is_causal=True))


class Residual(pt.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = pt.nn.Conv2d(3, 8, 3, padding=1), pt.nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.again = pt.nn.BatchNorm2d(8), pt.nn.BatchNorm2d(8)
        self.drop, self.head = pt.nn.Dropout(0.1), pt.nn.Linear(8, 4)

    def forward(self, x: Any) -> Any:
        y = F.relu(self.norm(self.first(x)))
        y = F.relu(self.again(self.second(y)) + y)
        return self.head(self.drop(y.mean(axis=(1, 2))))


def losses(device: str, make: type[pt.nn.Module], precision: str) -> list[float]:
    pt.random.seed(0)
    with pt.device(device):
        model = make()
        opt = pt.optim.AdamW(model, lr=0.01, clip=1.0)

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

        draw = np.random.default_rng(0)
        found = []
        for _ in range(STEPS):
            if make is Transformer:
                x, y = draw.integers(0, 17, (4, 12)), draw.integers(0, 17, (4, 12))
            else:
                x, y = draw.normal(size=(6, 8, 8, 3)).astype("float32"), draw.integers(0, 4, 6)
            value = step(x, y)
            assert value.device == device
            found.append(value.item())
    return found


@pytest.mark.parametrize(("precision", "rtol"), [("f32", 1e-5), ("bf16", 1e-2)])
@pytest.mark.parametrize("make", [Transformer, Residual])
def test_a_model_trains_there_as_on_the_cpu(make: type[pt.nn.Module], precision: str, rtol: float) -> None:
    np.testing.assert_allclose(losses(GPU, make, precision), losses("cpu", make, precision), rtol=rtol)
