"""A self-supervised recipe, such as `digits-simclr`, here and in PyTorch: the same pictures, networks, views, loss,
optimizer, schedule and steps; other random numbers. For each seed, which also draws the split, it prints the accuracy
of the recipe's linear probe on the pixels, on our encoder before training and after it, and on PyTorch's after it.

    python -m benchmarks.peers.torch_self_supervised digits-simclr --seeds 5
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.peers.seeds import options, results_here, tabled
from benchmarks.peers.torch_few_labels import Endless, network, strong
from torch import nn
from torch.nn import functional

from powertrain.recipe import Recipe, load_recipe
from powertrain.train.run.sources import prepare
from powertrain_vision.probe import probe

Loss = Callable[[torch.Tensor], torch.Tensor]


def two_views(recipe: Recipe, size: int) -> tuple[nn.Module, nn.Module, Loss]:
    """The encoder of SimCLR or VICReg, its projector, and the loss of a batch."""
    settings: Any = recipe.strategy.params
    encoder = network(recipe.models["model"].params.channels, size, settings.width)
    hidden = recipe.models["projector"].params.hidden[0]
    head = nn.Sequential(nn.Linear(settings.width, hidden), nn.ReLU(), nn.Linear(hidden, settings.places))

    def loss(x: torch.Tensor) -> torch.Tensor:
        both = head(encoder(torch.cat([strong(x, settings), strong(x, settings)])))
        if recipe.strategy.name.endswith("simclr"):
            places = functional.normalize(both)
            scores = places @ places.T / settings.temperature
            scores.fill_diagonal_(-1e9)
            return functional.cross_entropy(scores, torch.arange(len(both)).roll(len(x)))
        first, second = both.chunk(2)
        total = settings.same * functional.mse_loss(first, second)
        for one in (first, second):
            lacking = functional.relu(1 - torch.sqrt(one.var(dim=0) + 1e-4)).mean()
            covariance = torch.cov(one.T)
            apart = (covariance.square().sum() - covariance.diagonal().square().sum()) / one.shape[1]
            total = total + settings.spread * lacking / 2 + settings.apart * apart
        return total

    return encoder, head, loss


def blocks(width: int, heads: int, layers: int) -> nn.Module:
    layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)


class Masked(nn.Module):
    """A vit that gives `code` numbers for each token; `forward` gives those of the patches, side by side."""

    def __init__(self, recipe: Recipe, size: int) -> None:
        super().__init__()
        vit, self.settings = recipe.models["model"].params, recipe.strategy.params
        decoder: Any = recipe.models["decoder"].params
        self.side, self.count = vit.patch, (size // vit.patch) ** 2
        code = self.settings.code
        self.patch = nn.Linear(vit.patch**2, vit.width)
        self.first = nn.Parameter(0.02 * torch.randn(1, 1, vit.width))
        self.places = nn.Parameter(0.02 * torch.randn(1, self.count, vit.width))
        self.blocks, self.head = blocks(vit.width, vit.heads, vit.layers), nn.Linear(vit.width, code)
        self.decoder_places = nn.Parameter(0.02 * torch.randn(1, self.count + 1, code))
        self.decoder, self.pixels = blocks(code, decoder.heads, decoder.layers), nn.Linear(code, vit.patch**2)

    def cut(self, x: torch.Tensor) -> torch.Tensor:
        return functional.unfold(x, self.side, stride=self.side).transpose(1, 2)

    def said(self, tokens: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.blocks(torch.cat([self.first.expand(len(tokens), -1, -1), tokens], dim=1)))
        return found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.said(self.patch(self.cut(x)) + self.places)[:, 1:].flatten(1)

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        wanted = self.cut(x)
        kept = round(self.count * (1 - self.settings.hide))
        picked = torch.rand(len(x), self.count).argsort(dim=1)[:, :kept]
        chosen = functional.one_hot(picked, self.count).float()
        code = self.said(chosen @ (self.patch(wanted) + self.places))
        seen = torch.cat([code[:, :1], chosen.transpose(1, 2) @ code[:, 1:]], dim=1)
        made = self.pixels(self.decoder(seen + self.decoder_places)[:, 1:])
        hidden = 1 - chosen.sum(dim=1)
        return ((made - wanted).square().mean(dim=2) * hidden).sum() / hidden.sum()


def in_torch(recipe: Recipe, seed: int) -> float:
    """What the probe reaches after the recipe's steps in PyTorch."""
    torch.manual_seed(seed)
    dataset = prepare(recipe, Path())
    x = torch.from_numpy(dataset.train.fetch(np.arange(len(dataset.train)))["x"].astype(np.float32))[:, None]
    if recipe.strategy.name.endswith("masked-autoencoder"):
        encoder = Masked(recipe, x.shape[-1])
        loss, weights = encoder.loss, list(encoder.parameters())
    else:
        encoder, head, loss = two_views(recipe, x.shape[-1])
        weights = [*encoder.parameters(), *head.parameters()]
    found = next(iter(recipe.optimizers.values()))
    rates, steps, warm = found.use.params, recipe.run.until.amount, found.warmup
    optimizer = torch.optim.AdamW(weights, lr=rates.lr, weight_decay=rates.weight_decay)

    def rate(at: int) -> float:
        return (at + 1) / (warm + 1) if at < warm else 0.5 + 0.5 * math.cos(math.pi * (at - warm) / (steps - warm))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    order = Endless(len(x), recipe.run.batch_size)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(x[order.next()]).backward()
        optimizer.step()
        schedule.step()
    encoder.eval()

    def encode(pictures: Any) -> Any:
        with torch.no_grad():
            return encoder(torch.from_numpy(pictures)[:, None]).numpy()

    return probe(dataset, "test", recipe.strategy.params.probe, encode)


def here(recipe: str, settings: list[str]) -> list[float]:
    """What the probe reaches on the pixels, on our encoder before training, and after a run."""
    results = results_here(recipe, settings)
    before = {one["name"]: one["value"] for one in results["baselines"] if one["metric"] == "probe"}
    return [before["linear"], before["random"], results["test"]["probe"]]


def main() -> None:
    given = options(__doc__, 5, "strategy.probe=20")

    def row(seed: int) -> list[float]:
        own = [*given.set, f"run.seed={seed}", f"data.split.seed={seed}", "expect={}"]
        return [*here(given.recipe, own), in_torch(load_recipe(given.recipe, own), seed)]

    print("seed  pixels  untrained  powertrain  pytorch", flush=True)
    table = tabled(given.seeds, row, ".4f")
    for name, column in (("pixels", 0), ("untrained", 1), ("pytorch", 3)):
        gain = table[:, 2] - table[:, column]
        error = gain.std(ddof=1) / math.sqrt(len(gain))
        print(f"powertrain is {gain.mean():+.4f} from {name}, with a standard error of {error:.4f}")


if __name__ == "__main__":
    main()
