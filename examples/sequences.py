"""A recurrent network on sequences of different lengths: which kind of signal is it?

python sequences.py

Replace `make_signals` by your own data: a list of arrays [time, features], and a class for each.
"""

import argparse

import numpy as np

import powertrain as pt
import powertrain.nn as nn
import powertrain.nn.functional as F
from powertrain.data import ArrayDataset, DataLoader, random_split

KINDS = ("sine", "square", "rising", "noise")


def make_signals(count, longest, seed):
    """Signals of 20 to `longest` steps with a random height, speed and noise."""
    rng = np.random.default_rng(seed)
    signals, kinds = [], []
    for number in range(count):
        time = np.arange(rng.integers(20, longest + 1))
        wave = np.sin(2 * np.pi * (time * rng.uniform(0.05, 0.12) + rng.random()))
        kind = number % len(KINDS)
        shape = (wave, np.sign(wave), np.linspace(-1, 1, len(time)), rng.normal(0, 0.8, len(time)))[kind]
        signals.append((shape * rng.uniform(0.5, 2) + rng.normal(0, 0.2, len(time))).astype("float32")[:, None])
        kinds.append(kind)
    return signals, kinds


def padded(signals, longest):
    """One array [examples, longest, features] with zeros behind each end, and the lengths."""
    x = np.zeros((len(signals), longest, signals[0].shape[1]), dtype="float32")
    for row, signal in zip(x, signals, strict=True):
        row[: len(signal)] = signal
    return x, np.array([len(signal) for signal in signals])


class Recurrent(nn.Module):
    """A GRU; its state at the end of each sequence says the class."""

    def __init__(self, features, hidden, classes):
        super().__init__()
        self.gru = nn.GRU(features, hidden, num_layers=2, dropout=0.1)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x, lengths):
        _, last = self.gru(x, lengths=lengths)
        return self.head(last[-1])  # of the second layer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--longest", type=int, default=60)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    signals, kinds = make_signals(args.count, args.longest, args.seed)
    x, lengths = padded(signals, args.longest)
    data = ArrayDataset(x=x, lengths=lengths, kind=np.array(kinds))
    train, test = random_split(data, [0.8, 0.2], seed=args.seed)
    loader = DataLoader(train, batch_size=32, shuffle=True, drop_last=True, seed=args.seed)

    pt.random.seed(args.seed)
    model = Recurrent(x.shape[2], args.hidden, len(KINDS))
    optimizer = pt.optim.AdamW(model, lr=3e-3, clip=1.0)
    loss_and_grads = nn.value_and_grad(
        model, lambda batch: F.cross_entropy(model(batch["x"], batch["lengths"]), batch["kind"])
    )

    @pt.compile
    def step(batch):
        loss, grads = loss_and_grads(batch)
        optimizer.update(grads)
        return loss

    def evaluate():
        model.eval()
        metric = pt.metrics.Accuracy()
        for batch in DataLoader(test, batch_size=64):
            metric.update(model(batch["x"], batch["lengths"]), batch["kind"])
        model.train()
        return metric.compute()

    for epoch in range(args.epochs):
        losses = [step({name: batch[name] for name in ("x", "lengths", "kind")}).item() for batch in loader]
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, test accuracy {evaluate():.3f}")


if __name__ == "__main__":
    main()
