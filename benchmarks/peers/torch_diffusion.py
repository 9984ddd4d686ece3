"""A recipe of the strategy diffusion, such as `digits-diffusion`, here and in PyTorch: the same pictures, network,
noise, optimizer, schedule, average of the weights, steps and way back from noise; other random numbers. For each seed
it prints the loss on the test part, and the Fréchet distance, precision and recall of the samples, in the features of
the same classifier.

    python -m benchmarks.peers.torch_diffusion digits-diffusion --seeds 3
"""

from __future__ import annotations

import copy
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

import powertrain as pt
from powertrain.recipe import Recipe, load_recipe
from powertrain.train.run.sources import prepare
from powertrain_generative.judge import SCORES, quality
from powertrain_generative.unet import GROUPS, LONGEST, WAVES
from powertrain_generative.way import QUARTER, walked


class Block(nn.Module):
    def __init__(self, before: int, after: int, condition: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(math.gcd(GROUPS, before), before)
        self.norm2 = nn.GroupNorm(math.gcd(GROUPS, after), after)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.condition = nn.Linear(condition, 2 * after)
        self.shortcut = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        h = self.conv1(functional.silu(self.norm1(x)))
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, dim=1)
        return self.conv2(functional.silu(self.norm2(h) * (1 + scale) + shift)) + self.shortcut(x)


class UNet(nn.Module):
    def __init__(self, params: Any, kinds: int) -> None:
        super().__init__()
        self.patch, condition = params.patch, params.condition
        first, *deeper = params.widths
        pairs = list(zip(params.widths, deeper, strict=False))
        self.wave, self.mix = nn.Linear(2 * WAVES, condition), nn.Linear(condition, condition)
        self.kind = nn.Embedding(kinds + 1, condition)
        self.first = nn.Conv2d(self.patch**2, first, 3, padding=1)
        self.down = nn.ModuleList(Block(before, before, condition) for before, _ in pairs)
        self.deep = nn.ModuleList(Block(before, after, condition) for before, after in pairs)
        self.middle = Block(params.widths[-1], params.widths[-1], condition)
        self.up = nn.ModuleList(Block(before + after, before, condition) for before, after in reversed(pairs))
        self.norm = nn.GroupNorm(math.gcd(GROUPS, first), first)
        self.last = nn.Conv2d(first, self.patch**2, 3, padding=1)
        self.register_buffer("waves", LONGEST * torch.exp(torch.linspace(0, -math.log(LONGEST), WAVES)))

    def forward(self, x: torch.Tensor, when: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
        """Pictures [batch, height, width] of one colour, as the direction has them."""
        angles = when[:, None] * self.waves
        told = self.wave(torch.cat([angles.sin(), angles.cos()], dim=1)) + self.kind(kind)
        told = functional.silu(self.mix(functional.silu(told)))
        h, beside = self.first(functional.pixel_unshuffle(x[:, None], self.patch)), []
        for block, deeper in zip(self.down, self.deep, strict=True):
            h = block(h, told)
            beside.append(h)
            h = deeper(functional.avg_pool2d(h, 2), told)
        h = self.middle(h, told)
        for block in self.up:
            h = block(torch.cat([functional.interpolate(h, scale_factor=2.0), beside.pop()], dim=1), told)
        return functional.pixel_shuffle(self.last(functional.silu(self.norm(h))), self.patch)[:, 0]


def misses(net: nn.Module, x: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
    """The squared error of the direction at a random place of each example's way."""
    when, noise = torch.rand(len(x)), torch.randn_like(x)
    cos, sin = torch.cos(QUARTER * when)[:, None, None], torch.sin(QUARTER * when)[:, None, None]
    said = net(x * cos + noise * sin, when, kind)
    return (said - (noise * cos - x * sin)).square().mean(dim=(1, 2))


class Training:
    """What the recipe trains, step by step."""

    def __init__(self, recipe: Recipe, dataset: Any, seed: int) -> None:
        torch.manual_seed(seed)
        settings: Any = recipe.strategy.params
        used = recipe.optimizers["model"]
        rates: Any = used.use.params
        self.untold, self.keep, self.clip = settings.untold, settings.keep, used.clip
        self.x, self.y = part_of(dataset, "train")
        self.net = UNet(recipe.models["model"].params, dataset.outputs)
        self.average = copy.deepcopy(self.net).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=rates.lr, betas=(rates.beta1, rates.beta2))
        self.order, until = Endless(len(self.x), recipe.run.batch_size), recipe.run.until
        self.steps = until.amount * (len(self.x) // recipe.run.batch_size) if until.unit == "epochs" else until.amount
        self.done, warm = 0, used.warmup

        def rate(at: int) -> float:
            if at < warm:
                return (at + 1) / (warm + 1)
            return 0.5 + 0.5 * math.cos(math.pi * (at - warm) / (self.steps - warm))

        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, rate)

    def step(self) -> None:
        rows = self.order.next()
        kind = torch.where(torch.rand(len(rows)) < self.untold, 0, self.y[rows])
        self.optimizer.zero_grad()
        misses(self.net, self.x[rows], kind).mean().backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        self.optimizer.step()
        self.schedule.step()
        keep = min((1 + self.done) / (10 + self.done), self.keep)
        self.done += 1
        with torch.no_grad():
            for slow, quick in zip(self.average.parameters(), self.net.parameters(), strict=True):
                slow.lerp_(quick, 1 - keep)


def part_of(dataset: Any, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Its pictures, from -1 to 1, and their classes plus one."""
    fields = dataset.splits[part].fetch(np.arange(len(dataset.splits[part])))
    return torch.from_numpy(2 * fields["x"].astype(np.float32) - 1), torch.from_numpy(fields["y"]) + 1


def in_torch(recipe: Recipe, seed: int) -> list[float]:
    """The loss of the averaged network on the test part, and the measures of its samples."""
    dataset = prepare(recipe, Path())
    training = Training(recipe, dataset, seed)
    for _ in range(training.steps):
        training.step()
    average, x = training.average, training.x

    def sample(run: Any, count: int, seed: int) -> Any:
        kinds = torch.arange(count) % dataset.outputs + 1

        def direction(x: Any, when: Any) -> Any:
            with torch.no_grad():
                return average(torch.from_numpy(x), torch.from_numpy(when), kinds).numpy()

        rng = pt.random.Generator(seed)
        noise = rng.normal(size=(count, *x.shape[1:])).numpy()
        return np.clip(0.5 + 0.5 * walked(direction, noise, 50, 0.0, rng), 0, 1)

    with torch.no_grad():
        parts = zip(*(rows.split(500) for rows in part_of(dataset, "test")), strict=True)
        loss = float(torch.cat([misses(average, *one) for one in parts]).mean())
    judged: Any = recipe.strategy.params
    found = quality(SimpleNamespace(dataset=dataset), "test", sample, judged.judged)  # type: ignore[arg-type]
    return [loss, *(found[name] for name in SCORES)]


def here(recipe: str, settings: list[str]) -> list[float]:
    """The measures of a run of ours."""
    test = results_here(recipe, settings)["test"]
    return [test[name] for name in ("loss", *SCORES)]


def main() -> None:
    given = options(__doc__, 3, "run.until='10 epochs'")

    def row(seed: int) -> list[float]:
        own = [*given.set, f"run.seed={seed}", "expect={}", "report.baseline=false"]
        return [*here(given.recipe, own), *in_torch(load_recipe(given.recipe, own), seed)]

    print("seed  powertrain: " + ", ".join(("loss", *SCORES)) + "; pytorch: the same", flush=True)
    tabled(given.seeds, row)


if __name__ == "__main__":
    main()
