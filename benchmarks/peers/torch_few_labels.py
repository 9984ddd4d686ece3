"""A recipe of FixMatch or MixMatch, such as `digits-fixmatch`, in PyTorch: the same pictures and labels, network,
views, optimizer, schedule and steps; other random numbers. Prints the test accuracy of each seed, which also draws the
labels. With --alone it is that of supervised learning on the labelled pictures.

    python -m benchmarks.peers.torch_few_labels digits-fixmatch --seeds 5
    POWERTRAIN_DATA=FOLDER python -m benchmarks.peers.torch_few_labels fashion-mnist-fixmatch
"""

from __future__ import annotations

import argparse
import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from powertrain.recipe import Recipe, load_recipe
from powertrain.train.run.sources import prepare
from powertrain_vision.views import ViewParams

Parts = dict[str, tuple[torch.Tensor, torch.Tensor]]


def network(channels: tuple[int, ...], size: int, classes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 1
    for width in channels:
        layers += [
            nn.Conv2d(before, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        before, size = width, size // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * size * size, classes))


def parts(recipe: Recipe) -> Parts:
    """The parts of the recipe, transformed: pictures [n, 1, height, width] and labels."""
    splits = prepare(recipe, Path()).splits
    made = {name: source.fetch(np.arange(len(source))) for name, source in splits.items()}
    return {
        name: (
            torch.from_numpy(fields["x"].astype(np.float32))[:, None],
            torch.from_numpy(fields["y"].astype(np.int64)),
        )
        for name, fields in made.items()
    }


def uniform(*size: int) -> torch.Tensor:
    return 2 * torch.rand(*size) - 1


def cropped(count: int, least: float) -> tuple[torch.Tensor, ...]:
    area, form, right, down = uniform(4, count)
    area, form = (1 + least) / 2 + area * (1 - least) / 2, torch.exp(form * math.log(4 / 3) / 2)
    wide, high = ((area.sqrt() * side).clamp(max=1.0).maximum(area) for side in (form, 1 / form))
    return wide, high, right * (1 - wide), down * (1 - high)


def moved(
    x: torch.Tensor, views: ViewParams, turn: float = 0.0, zoom: float = 0.0, shear: float = 0.0, crop: float = 1.0
) -> torch.Tensor:
    """As powertrain_vision/views.py says; the pictures are squares."""
    count, size = len(x), x.shape[-1]
    right, down, angle, scale, lean, side = uniform(6, count)
    angle, scale, lean = angle * math.radians(turn), torch.exp(scale * math.log1p(zoom)), lean * shear
    mirrored = torch.where(side < 0, -1.0, 1.0) if views.flip else torch.ones(count)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    to_x = [cos * mirrored, lean * cos - sin, torch.round(right * views.shift * size) * 2 / size]
    to_y = [sin * mirrored, lean * sin + cos, torch.round(down * views.shift * size) * 2 / size]
    if crop < 1:
        wide, high, across, below = cropped(count, crop)
        to_x, to_y = ([a * wide, b * high, c + a * across + b * below] for a, b, c in (to_x, to_y))
    theta = torch.stack([torch.stack(to_x, 1), torch.stack(to_y, 1)], 1)
    grid = functional.affine_grid(theta, list(x.shape), align_corners=False)
    mode = "nearest" if turn == zoom == shear == 0 and crop == 1 else "bilinear"
    return functional.grid_sample(x, grid, mode=mode, padding_mode="reflection", align_corners=False)


def strong(x: torch.Tensor, views: ViewParams) -> torch.Tensor:
    x = moved(x, views, views.turn, views.zoom, views.shear, views.crop)
    contrast, light, down, right = uniform(4, len(x), 1, 1, 1)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    apart = x - mean
    deviation = apart.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    x = apart * (1 + views.contrast * contrast) + mean + views.light * light * deviation
    along = (2 * torch.arange(x.shape[-1]) + 1) / x.shape[-1] - 1
    inside = ((along[:, None] - down).abs() < views.erase) & ((along[None, :] - right).abs() < views.erase)
    return torch.where(inside, mean, x)


class Endless:
    """Batches of rows, each epoch in a new order; what is left over begins the next."""

    def __init__(self, count: int, batch: int) -> None:
        self.count, self.batch, self.order = count, batch, torch.zeros(0, dtype=torch.int64)

    def next(self) -> torch.Tensor:
        while len(self.order) < self.batch:
            self.order = torch.cat([self.order, torch.randperm(self.count)])
        rows, self.order = self.order[: self.batch], self.order[self.batch :]
        return rows


def fixmatch(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor, free: torch.Tensor, settings: Any, step: int
) -> torch.Tensor:
    """The loss of a step."""
    count = len(x)
    with torch.no_grad():
        sure, answers = functional.softmax(model(moved(free, settings)), dim=1).max(dim=1)
    output = model(torch.cat([moved(x, settings), strong(free, settings)]))
    losses = functional.cross_entropy(output[count:], answers, reduction="none")
    loss = functional.cross_entropy(output[:count], y)
    return loss + settings.share * (losses * (sure >= settings.sure)).mean()


def mixmatch(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor, free: torch.Tensor, settings: Any, step: int
) -> torch.Tensor:
    """The loss of a step."""
    count, views = len(x), [moved(free, settings) for _ in range(2)]
    with torch.no_grad():
        mean = sum(functional.softmax(model(view), dim=1) for view in views) / 2
        surer = mean ** (1 / settings.temperature)
        guess = surer / surer.sum(dim=1, keepdim=True)
    pictures = torch.cat([moved(x, settings), *views])
    labels = torch.cat([functional.one_hot(y, guess.shape[1]).float(), guess, guess])
    order = torch.randperm(len(pictures))
    kept = torch.distributions.Beta(settings.alpha, settings.alpha).sample((len(pictures),))
    kept = torch.maximum(kept, 1 - kept)
    wide = kept[:, None, None, None]
    labels = kept[:, None] * labels + (1 - kept[:, None]) * labels[order]
    output = model(wide * pictures + (1 - wide) * pictures[order])
    loss = functional.cross_entropy(output[:count], labels[:count])
    apart = (functional.softmax(output[count:], dim=1) - labels[count:]).square().mean()
    return loss + settings.share * min(step / max(1, settings.ramp), 1.0) * apart


def trained(recipe: Recipe, made: Parts, alone: bool) -> float:
    """The test accuracy after the recipe's steps; `alone`: without the pictures that have no labels."""
    torch.manual_seed(recipe.run.seed)
    settings: Any = recipe.strategy.params
    batch, steps = recipe.run.batch_size, recipe.run.until.amount
    rates = next(iter(recipe.optimizers.values())).use.params
    (x, y), (free_x, _), (test_x, test_y) = made["train"], made["unlabelled"], made["test"]
    model = network(recipe.models["model"].params.channels, x.shape[-1], int(y.max()) + 1)
    average = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rates.lr, weight_decay=rates.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    ratio, loss_of = getattr(settings, "ratio", 1), fixmatch if hasattr(settings, "sure") else mixmatch
    labelled, free = Endless(len(x), batch), Endless(len(free_x), ratio * batch)
    for step in range(steps):
        rows = labelled.next()
        if alone:
            loss = functional.cross_entropy(model(moved(x[rows], settings)), y[rows])
        else:
            loss = loss_of(model, x[rows], y[rows], free_x[free.next()], settings, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for old, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
                old.copy_(old * settings.keep + new * (1 - settings.keep) if old.is_floating_point() else new)
    average.eval()
    with torch.no_grad():
        said = torch.cat([average(piece).argmax(dim=1) for piece in test_x.split(1000)])
    return float((said == test_y).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="digits-fixmatch")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="learn from the labelled pictures alone")
    settings = parser.parse_args()
    found = []
    for seed in range(settings.seeds):
        recipe = load_recipe(settings.recipe, [f"run.seed={seed}", f"data.split.seed={seed}"])
        found.append(trained(recipe, parts(recipe), settings.alone))
        print(f"seed {seed}: {found[-1]:.4f}", flush=True)
    print(f"mean {np.mean(found):.4f}, deviation {np.std(found, ddof=1):.4f}", flush=True)


if __name__ == "__main__":
    main()
