"""Find what is unusual without labels: an autoencoder rebuilds what it knows, and fails on what it does not.

pip install scikit-learn
python autoencoder.py

It learns the digits but for one of them, and then sees all.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits

import powertrain as pt
import powertrain.nn as nn
import powertrain.nn.functional as F
from powertrain.data import DataLoader, TensorDataset


class Autoencoder(nn.Module):
    """64 pixels to a few numbers, and back."""

    def __init__(self, code):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, code))
        self.decoder = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


def area_under_curve(scores, unusual):
    """How often something unusual has a higher score than something usual: 0.5 is guessing, 1 is perfect."""
    higher = scores[unusual][:, None] > scores[~unusual][None, :]
    return float(higher.mean())


def drawn(picture):
    """A picture of 8 x 8 as text."""
    return ["".join(" .:-=+*#%@"[min(int(10 * value), 9)] for value in row) for row in picture.reshape(8, 8)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unknown", type=int, default=0, help="the digit that it never sees")
    parser.add_argument("--code", type=int, default=8, help="numbers in the middle")
    parser.add_argument("--noise", type=float, default=0.1, help="added to what it sees, not to what it must give")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    order = np.random.default_rng(args.seed).permutation(len(x))
    train, test = order[:1200], order[1200:]
    known = train[y[train] != args.unknown]

    pt.random.seed(args.seed)
    model = Autoencoder(args.code)
    optimizer = pt.optim.AdamW(model, lr=2e-3)
    rng = pt.random.Generator(args.seed)

    def loss_fn(pictures):
        noisy = pictures + args.noise * rng.normal(size=pictures.shape)
        return F.mse_loss(model(noisy), pictures)

    loss_and_grads = nn.value_and_grad(model, loss_fn)

    @pt.compile
    def step(pictures):
        loss, grads = loss_and_grads(pictures)
        optimizer.update(grads)
        return loss

    loader = DataLoader(TensorDataset(x[known]), batch_size=32, shuffle=True, drop_last=True, seed=args.seed)
    for epoch in range(args.epochs):
        losses = [step(pictures).item() for (pictures,) in loader]
        if (epoch + 1) % max(args.epochs // 5, 1) == 0:
            print(f"epoch {epoch + 1}: mean squared error {np.mean(losses):.4f}")

    rebuilt = model(x[test]).numpy()
    error = ((rebuilt - x[test]) ** 2).mean(axis=1)
    unusual = y[test] == args.unknown
    print(f"mean error: known digits {error[~unusual].mean():.4f}, unknown ones {error[unusual].mean():.4f}")
    print(f"area under the curve {area_under_curve(error, unusual):.3f}")
    worst = int(np.argmax(error))
    for left, right in zip(drawn(x[test][worst]), drawn(rebuilt[worst]), strict=True):
        print(f"{left}  {right}")


if __name__ == "__main__":
    main()
