"""The recipe `fashion-mnist-vae` in PyTorch: the same pictures, split, layers, optimizer and schedule; other random
numbers. Prints the bits for each pixel of the test part, as the recipe reports them.

    python -m benchmarks.peers.torch_vae
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from powertrain.builtin.data import FashionMnist

CODE, HIDDEN, BATCH, EPOCHS, RATE, PIXELS = 20, 400, 128, 20, 1e-3, 784


class Vae(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * CODE))
        self.decoder = nn.Sequential(nn.Linear(CODE, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, PIXELS))

    def bits(self, x: torch.Tensor) -> torch.Tensor:
        middle, log_variance = self.encoder(x).chunk(2, dim=1)
        log_variance = log_variance.clamp(-12, 12)
        code = middle + (0.5 * log_variance).exp() * torch.randn_like(middle)
        beyond = 0.5 * (middle**2 + log_variance.expm1() - log_variance).sum(1)
        given = functional.binary_cross_entropy_with_logits(self.decoder(code), x, reduction="none").sum(1)
        return (beyond + given) / (PIXELS * math.log(2))


def pictures(part: str) -> torch.Tensor:
    """Black and white, as rows."""
    source = FashionMnist.build(FashionMnist.Params(), Path()).splits[part]
    x = source.fetch(np.arange(len(source)))["x"]
    return torch.from_numpy((x.reshape(len(x), -1) > 127.5).astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    train, test = pictures("train"), pictures("test")
    train = train[torch.randperm(len(train))[: len(train) * 95 // 100]]  # the recipe holds 5 % out
    model = Vae()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    steps = args.epochs * -(-len(train) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(args.epochs):
        for rows in torch.randperm(len(train)).split(BATCH):
            optimizer.zero_grad()
            model.bits(train[rows]).mean().backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        print(f"test bits for each pixel {model.bits(test).mean().item():.4f}")


if __name__ == "__main__":
    main()
