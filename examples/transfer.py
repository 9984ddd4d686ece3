"""Learn from few examples, beginning with what a network has learned of others.

pip install scikit-learn
python transfer.py

The pictures are digits somewhere in a larger picture. First the network learns 0 to 4 from many examples, then 5 to 9
from a few of each. What it keeps is how strokes look, wherever they are.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits

import powertrain as pt
import powertrain.nn as nn
import powertrain.nn.functional as F
from powertrain.data import DataLoader, TensorDataset


def make_pictures(size, seed):
    """Digits of 8 x 8, each at a random place of a picture of `size` x `size`."""
    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    pictures = np.zeros((len(x), size, size), dtype="float32")
    for picture, digit, (top, left) in zip(pictures, x / 16, rng.integers(0, size - 7, (len(x), 2)), strict=True):
        picture[top : top + 8, left : left + 8] = digit.reshape(8, 8)
    return pictures, y


def make_body(size):
    """What is kept: a picture to 64 numbers."""
    return nn.Sequential(
        nn.Unflatten(-1, (size, 1)),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 64, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
    )


class Classifier(nn.Module):
    def __init__(self, body, classes):
        super().__init__()
        self.body, self.head = body, nn.Linear(64, classes)

    def forward(self, x):
        return self.head(self.body(x))


def train(model, x, y, epochs, lr, batch_size=16):
    """Frozen parameters are left out of the optimizer, so it is made again for each part of the training."""
    optimizer = pt.optim.AdamW(model, lr=lr)
    loss_and_grads = nn.value_and_grad(model, lambda x, y: F.cross_entropy(model(x), y))

    @pt.compile
    def step(x, y):
        loss, grads = loss_and_grads(x, y)
        optimizer.update(grads)
        return loss

    loader = DataLoader(TensorDataset(x, y), batch_size, shuffle=True, drop_last=True)
    for _ in range(epochs):
        for a, b in loader:
            step(a, b)


def accuracy(model, x, y):
    return float((model(x).numpy().argmax(axis=1) == y).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-class", type=int, default=5, help="examples of each new digit")
    parser.add_argument("--size", type=int, default=16, help="height and width of a picture")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    x, y = make_pictures(args.size, args.seed)
    many = y < 5
    rows = np.random.default_rng(args.seed).permutation(np.flatnonzero(~many))
    few = np.concatenate([rows[y[rows] == digit][: args.per_class] for digit in range(5, 10)])
    new = np.setdiff1d(rows, few)

    pt.random.seed(args.seed)
    first = Classifier(make_body(args.size), 5)
    train(first, x[many], y[many], args.epochs // 5, 3e-3)
    print(f"digits 0 to 4: {accuracy(first, x[many], y[many]):.3f} of {many.sum()} training examples")

    scratch = Classifier(make_body(args.size), 5)
    train(scratch, x[few], y[few] - 5, args.epochs, 2e-3, batch_size=5)
    print(f"from scratch: {accuracy(scratch, x[new], y[new] - 5):.3f} of {len(new)} new digits")

    model = Classifier(first.body.clone(), 5)
    model.freeze("body.*")
    train(model, x[few], y[few] - 5, args.epochs, 5e-3, batch_size=5)
    print(f"a new last layer: {accuracy(model, x[new], y[new] - 5):.3f}")

    model.unfreeze()
    train(model, x[few], y[few] - 5, args.epochs, 1e-3, batch_size=5)
    print(f"then all layers, slowly: {accuracy(model, x[new], y[new] - 5):.3f}")


if __name__ == "__main__":
    main()
