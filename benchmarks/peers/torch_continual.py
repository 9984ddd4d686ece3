"""A recipe of continual learning, such as `permuted-digits-ewc`, in PyTorch: the same examples, orders, network,
optimizer, batch and steps; other random numbers. Each task keeps a penalty of its own, as in Kirkpatrick et al. 2017.
For each seed it prints the average accuracy after the last task, and the forgetting.

    python -m benchmarks.peers.torch_continual permuted-digits-ewc --seeds 3
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.peers.torch_few_labels import Endless
from torch import nn
from torch.nn import functional

from powertrain.data import permutation
from powertrain.recipe import Recipe, load_recipe
from powertrain.train.run.sources import prepare

Examples = tuple[torch.Tensor, torch.Tensor]


class Consolidation:
    """The penalties of all tasks so far."""

    def __init__(self, model: nn.Module, strength: float, samples: int) -> None:
        self.model, self.strength, self.samples = model, strength, samples
        self.tasks: list[list[Examples]] = []  # of each weight the information and the anchor

    def penalty(self) -> torch.Tensor:
        total = torch.zeros(())
        for task in self.tasks:
            for weight, (known, anchor) in zip(self.model.parameters(), task, strict=True):
                total = total + (known * (weight - anchor).square()).sum()
        return total * self.strength / 2

    def end(self, x: torch.Tensor) -> None:
        """Measure the Fisher information of a task on some examples, over all labels by their probabilities."""
        chosen = x[torch.randperm(len(x))[: self.samples]]
        weights = list(self.model.parameters())
        sums = [torch.zeros_like(weight) for weight in weights]
        for row in chosen:
            logs = functional.log_softmax(self.model(row[None]), dim=1)[0]
            for log in logs:
                grads = torch.autograd.grad(log, weights, retain_graph=True)
                for total, grad in zip(sums, grads, strict=True):
                    total += log.detach().exp() * grad.square()
        kept = [weight.detach().clone() for weight in self.model.parameters()]
        self.tasks.append([(total / len(chosen), anchor) for total, anchor in zip(sums, kept, strict=True)])


class Memory:
    """Examples of earlier tasks, as many of each as there is room for."""

    def __init__(self, size: int) -> None:
        self.size, self.tasks = size, list[Examples]()

    def end(self, x: torch.Tensor, y: torch.Tensor) -> None:
        chosen = torch.randperm(len(x))
        self.tasks.append((x[chosen], y[chosen]))
        share = -(-self.size // len(self.tasks))
        self.tasks = [(known[:share], labels[:share]) for known, labels in self.tasks]

    def beside(self, x: torch.Tensor, y: torch.Tensor, count: int) -> Examples:
        """A batch, and so many examples of the memory."""
        if not self.tasks:
            return x, y
        known, labels = (torch.cat(parts) for parts in zip(*self.tasks, strict=True))
        chosen = torch.randint(len(known), (count,))
        return torch.cat([x, known[chosen]]), torch.cat([y, labels[chosen]])


def network(inputs: int, hidden: tuple[int, ...], classes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise((inputs, *hidden)):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(hidden[-1], classes))


def part(dataset: Any, name: str) -> Examples:
    source = dataset.splits[name]
    fields = source.fetch(np.arange(len(source)))
    x = fields["x"].astype(np.float32).reshape(len(source), -1)
    return torch.from_numpy(x), torch.from_numpy(fields["y"].astype(np.int64))


def trained(recipe: Recipe, seed: int) -> tuple[float, float]:
    """The average accuracy after the last task, and the mean fall of the others from their best."""
    torch.manual_seed(seed)
    settings: Any = recipe.strategy.params
    dataset = prepare(recipe, Path())
    held = "test" if "test" in dataset.splits else "valid"
    (x, y), (held_x, held_y) = part(dataset, "train"), part(dataset, held)
    tasks = int(recipe.run.until.amount) // settings.steps
    orders = [np.arange(x.shape[1]), *(permutation(x.shape[1], settings.seed, 2 * task) for task in range(1, tasks))]
    model = network(x.shape[1], tuple(recipe.models["model"].params.hidden), dataset.outputs)
    optimizer = torch.optim.Adam(model.parameters(), lr=next(iter(recipe.optimizers.values())).use.params.lr)
    consolidation = Consolidation(model, getattr(settings, "strength", 0.0), getattr(settings, "samples", 1))
    memory = Memory(getattr(settings, "memory", 1))
    table = np.zeros((tasks, tasks))
    for task, order in enumerate(orders):
        mine, batches = x[:, order], Endless(len(x), recipe.run.batch_size)
        for _ in range(settings.steps):
            rows = batches.next()
            inputs, labels = memory.beside(mine[rows], y[rows], getattr(settings, "replayed", 0))
            loss = functional.cross_entropy(model(inputs), labels) + consolidation.penalty()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if recipe.strategy.name == "replay":
            memory.end(mine, y)
        if recipe.strategy.name == "ewc":
            consolidation.end(mine)
        with torch.no_grad():
            for one in range(task + 1):
                table[task, one] = float((model(held_x[:, orders[one]]).argmax(1) == held_y).float().mean())
    fallen = (table.max(axis=0) - table[-1])[:-1]
    return float(table[-1].mean()), float(fallen.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    found = []
    for seed in range(options.seeds):
        recipe = load_recipe(options.recipe, [*options.set, f"run.seed={seed}"])
        found.append(trained(recipe, seed))
        print(f"seed {seed}: average accuracy {found[-1][0]:.4f}, forgetting {found[-1][1]:.4f}", flush=True)
    means, deviations = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    print(f"average accuracy {means[0]:.4f} ± {deviations[0]:.4f}, forgetting {means[1]:.4f} ± {deviations[1]:.4f}")


if __name__ == "__main__":
    main()
