"""The recipe `austen-char` in PyTorch, as nanoGPT writes it: the same text, split, sizes, optimizer and schedule; other
random numbers. Prints the loss on the validation windows that the recipe reports on.

    POWERTRAIN_DATA=FOLDER python -m benchmarks.peers.torch_austen
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from powertrain.builtin.data import Austen

VALIDATION_WINDOWS = 1_000  # evenly spaced, as the recipe evaluates
LAYERS, HEADS, WIDTH, CONTEXT, BATCH = 4, 4, 128, 64, 12
RATE, FLOOR, WARMUP, DECAY, CLIP = 1e-3, 0.1, 100, 0.1, 1.0


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time, _ = x.shape
        q, k, v = (
            part.view(batch, time, HEADS, WIDTH // HEADS).transpose(1, 2)
            for part in self.qkv(self.ln_1(x)).split(WIDTH, dim=2)
        )
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(batch, time, WIDTH))
        return x + self.down(functional.gelu(self.up(self.ln_2(x))))


class GPT(nn.Module):
    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.ln_f = nn.LayerNorm(WIDTH)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                residual = name.endswith(("proj.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * LAYERS) if residual else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.wte(tokens) + self.wpe.weight[: tokens.shape[1]]
        return self.ln_f(self.blocks(x)) @ self.wte.weight.T


def factor(step: int, steps: int) -> float:
    if step < WARMUP:
        return (step + 1) / (WARMUP + 1)
    progress = (step - WARMUP) / (steps - WARMUP)
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * progress))


@torch.no_grad()
def validation_loss(model: GPT, source: Any) -> float:
    losses = []
    windows = np.linspace(0, len(source) - 1, VALIDATION_WINDOWS).astype(np.int64)
    for rows in np.array_split(windows, 4):
        fields = source.fetch(rows)
        logits, targets = model(torch.from_numpy(fields["x"])), torch.from_numpy(fields["y"])
        losses.append(functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none"))
    return float(torch.cat(losses).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    data = Austen.build(Austen.Params(context=CONTEXT, valid=0.1), Path())
    train, rows = data.splits["train"], np.random.default_rng(options.seed)
    model = GPT(data.outputs)
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99), fused=True)
    for step in range(options.steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * factor(step, options.steps)
        fields = train.fetch(rows.integers(0, len(train), BATCH))
        logits = model(torch.from_numpy(fields["x"]))
        loss = functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(fields["y"]).flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        if (step + 1) % 500 == 0:
            print(f"step {step + 1:,}  train {loss.item():.3f}", flush=True)
    print(f"valid.loss {validation_loss(model, data.splits['valid']):.4f}")


if __name__ == "__main__":
    main()
