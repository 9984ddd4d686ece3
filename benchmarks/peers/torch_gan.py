"""A recipe of the strategy gan, such as `digits-gan`, here and in PyTorch: the same pictures, networks, losses, turns,
optimizers and steps; other random numbers. For each seed it prints the Fréchet distance, precision and recall of our
samples and of PyTorch's, in the features of the same classifier.

    python -m benchmarks.peers.torch_gan digits-gan --seeds 5
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from benchmarks.peers.seeds import options, results_here, tabled
from benchmarks.peers.torch_few_labels import Endless
from torch import nn
from torch.nn import functional

from powertrain.recipe import Recipe, load_recipe
from powertrain.train.run.sources import prepare
from powertrain_generative.judge import SCORES, quality


def dense(widths: list[int]) -> list[nn.Module]:
    pairs = list(itertools.pairwise(widths))
    layers = [layer for before, after in pairs for layer in (nn.Linear(before, after), nn.SiLU())]
    return layers[:-1]


def generator(use: Any, code: int, shape: tuple[int, int]) -> nn.Module:
    size = math.prod(shape)
    if use.name.endswith("mlp"):
        return nn.Sequential(*dense([code, *use.params.hidden, size]), nn.Sigmoid(), nn.Unflatten(1, shape))
    widths = use.params.channels
    small = shape[0] // 2 ** len(widths)
    layers: list[nn.Module] = [
        nn.Linear(code, small**2 * widths[0]),
        nn.SiLU(),
        nn.Unflatten(1, (widths[0], small, small)),
    ]
    for before, after in itertools.pairwise((*widths, widths[-1])):
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1), nn.SiLU()]
    return nn.Sequential(
        *layers, nn.Conv2d(widths[-1], 1, 3, padding=1), nn.Sigmoid(), nn.Flatten(1), nn.Unflatten(1, shape)
    )


def critic(use: Any, shape: tuple[int, int]) -> nn.Module:
    if use.name.endswith("mlp"):
        return nn.Sequential(nn.Flatten(), *dense([math.prod(shape), *use.params.hidden, 1]), nn.Flatten(0))
    layers: list[nn.Module] = [nn.Unflatten(1, (1, shape[0]))]
    before, side = 1, shape[0]
    for after in use.params.channels:
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.SiLU()]
        before, side = after, side // 2
    hidden = use.params.hidden
    last = [nn.Linear(side**2 * before, hidden), nn.SiLU(), nn.Linear(hidden, 1)]
    return nn.Sequential(*layers, nn.Flatten(), *last, nn.Flatten(0))


def critic_loss(net: nn.Module, real: torch.Tensor, made: torch.Tensor, settings: Any) -> torch.Tensor:
    def slope(x: torch.Tensor) -> torch.Tensor:
        x = x.requires_grad_()
        (gradient,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
        return gradient.flatten(1).square().sum(1)

    if settings.loss == "wasserstein":
        gap = net(made) - net(real)
        share = torch.rand(len(real), 1, 1)
        rough = (torch.sqrt(slope(real * share + made * (1 - share)) + 1e-12) - 1).square()
    else:
        gap = functional.softplus(net(made)) + functional.softplus(-net(real))
        rough = slope(real.clone()) / 2
    return (gap + settings.penalty * rough).mean()


def in_torch(recipe: Recipe, seed: int) -> list[float]:
    """The measures of the recipe's samples after its steps in PyTorch."""
    torch.manual_seed(seed)
    settings: Any = recipe.strategy.params
    dataset = prepare(recipe, Path())
    x = torch.from_numpy(dataset.train.fetch(np.arange(len(dataset.train)))["x"].astype(np.float32))
    shape = (x.shape[1], x.shape[2])
    draws, judges = generator(recipe.models["generator"], settings.code, shape), critic(recipe.models["critic"], shape)
    rates = {role: recipe.optimizers[role].use.params for role in ("generator", "critic")}
    optimizers = {
        role: torch.optim.Adam(net.parameters(), lr=rates[role].lr, betas=(rates[role].beta1, rates[role].beta2))
        for role, net in (("generator", draws), ("critic", judges))
    }
    order, turns = Endless(len(x), recipe.run.batch_size), settings.critic_steps + 1
    for step in range(recipe.run.until.amount):
        rows = x[order.next()]
        code = torch.randn(len(rows), settings.code)
        role = "generator" if step % turns == turns - 1 else "critic"
        optimizers[role].zero_grad()
        if role == "critic":
            with torch.no_grad():
                made = draws(code)
            loss = critic_loss(judges, rows, made, settings)
        else:
            said = judges(draws(code))
            loss = (-said if settings.loss == "wasserstein" else functional.softplus(-said)).mean()
        loss.backward()
        optimizers[role].step()

    def sample(run: Any, count: int, seed: int) -> Any:
        with torch.no_grad():
            return draws(torch.randn(count, settings.code)).numpy()

    found = quality(SimpleNamespace(dataset=dataset), "test", sample, settings.judged)  # type: ignore[arg-type]
    return [found[name] for name in SCORES]


def here(recipe: str, settings: list[str]) -> list[float]:
    """The measures of a run of ours."""
    test = results_here(recipe, settings)["test"]
    return [test[name] for name in SCORES]


def main() -> None:
    given = options(__doc__, 5, "strategy.penalty=1")

    def row(seed: int) -> list[float]:
        own = [*given.set, f"run.seed={seed}", "expect={}", "report.baseline=false"]
        return [*here(given.recipe, own), *in_torch(load_recipe(given.recipe, own), seed)]

    print("seed  powertrain                  pytorch", flush=True)
    tabled(given.seeds, row)


if __name__ == "__main__":
    main()
