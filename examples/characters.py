"""A language model of characters: a small transformer that learns to go on with a text.

python characters.py book.txt --steps 2000
"""

import argparse
from pathlib import Path

import numpy as np

import powertrain as pt
import powertrain.nn as nn
import powertrain.nn.functional as F


class Block(nn.Module):
    """Attention to earlier places, then a small network at each place."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        batch, time, width = x.shape
        q, k, v = (
            part.reshape((batch, time, self.heads, width // self.heads))
            for part in pt.split(self.qkv(self.norm1(x)), 3, axis=-1)
        )
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.reshape((batch, time, width)))
        return x + self.mlp(self.norm2(x))


class Characters(nn.Module):
    def __init__(self, letters, context, width, layers, heads):
        super().__init__()
        self.letters, self.places = nn.Embedding(letters, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, letters)

    def forward(self, x):
        x = self.letters(x) + self.places(pt.arange(x.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def windows(text, context, count, rng):
    """Pieces of the text, and the same pieces one character later."""
    starts = rng.integers(0, len(text) - context - 1, count)
    rows = starts[:, None] + np.arange(context)
    return text[rows], text[rows + 1]


def write(model, letters, begin, context, count, temperature, rng):
    """Go on with a text, one character at a time."""
    model.eval()
    known = {letter: at for at, letter in enumerate(letters)}
    places = [known[letter] for letter in begin if letter in known] or [0]
    for _ in range(count):
        seen = np.zeros((1, context), dtype="int64")  # one shape, so that one program serves all
        recent = places[-context:]
        seen[0, : len(recent)] = recent
        logits = model(seen).numpy()[0, len(recent) - 1].astype("float64") / temperature
        p = np.exp(logits - logits.max())
        places.append(int(rng.choice(len(letters), p=p / p.sum())))
    model.train()
    return "".join(letters[at] for at in places)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--context", type=int, default=64)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--begin", default="The ")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    raw = args.path.read_text(encoding="utf-8")
    letters = sorted(set(raw))
    text = np.array([letters.index(letter) for letter in raw])
    train, valid = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
    print(f"{len(text):,} characters, {len(letters)} different ones")

    pt.random.seed(args.seed)
    rng = np.random.default_rng(args.seed)
    model = Characters(len(letters), args.context, args.width, args.layers, heads=4)
    schedules = pt.optim.schedules
    rise, fall = schedules.LinearLR(0.05, total_iters=50), schedules.CosineAnnealingLR(T_max=max(args.steps - 50, 1))
    schedule = schedules.SequentialLR([rise, fall], milestones=[50])
    optimizer = pt.optim.AdamW(model, lr=args.lr, weight_decay=0.1, clip=1.0, schedule=schedule)
    loss_and_grads = nn.value_and_grad(model, lambda x, y: F.cross_entropy(model(x), y))

    @pt.compile
    def step(x, y):
        loss, grads = loss_and_grads(x, y)
        optimizer.update(grads)
        return loss

    measure = pt.compile(lambda x, y: F.cross_entropy(model(x), y))
    for number in range(1, args.steps + 1):
        loss = step(*windows(train, args.context, args.batch_size, rng))
        if number % max(args.steps // 5, 1) == 0:
            held_out = measure(*windows(valid, args.context, 64, np.random.default_rng(0)))
            print(f"step {number}: loss {loss.item():.3f}, valid loss {held_out.item():.3f}")
    print(write(model, letters, args.begin, args.context, 200, 0.8, rng))


if __name__ == "__main__":
    main()
