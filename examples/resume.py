"""A loop of your own that can be killed at any time: it goes on to the same bits as without the kill.

pip install scikit-learn
python resume.py --out runs/digits
python resume.py --out runs/digits     # after a kill: goes on; after the end: says what came out

It has what long trainings need: a schedule, an average of the weights, checkpoints, early stopping, a log.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import powertrain as pt
import powertrain.nn as nn
import powertrain.nn.functional as F
from powertrain.data import DataLoader, TensorDataset


def make_data(seed):
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    order = np.random.default_rng(seed).permutation(len(x))
    train, valid = order[:1400], order[1400:]
    return TensorDataset(x[train], y[train]), (x[valid], y[valid])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/digits"))
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--patience", type=int, default=10)
    parser.add_argument("--save-every", type=int, default=20, help="steps between two checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "checkpoint.safetensors"
    pt.random.seed(args.seed)
    train, (x_valid, y_valid) = make_data(args.seed)
    loader = DataLoader(train, batch_size=50, shuffle=True, drop_last=True, seed=args.seed)

    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))
    fall = pt.optim.schedules.CosineAnnealingLR(T_max=args.epochs * len(loader))
    optimizer = pt.optim.AdamW(model, lr=3e-3, weight_decay=0.01, clip=1.0, schedule=fall)
    average = pt.optim.EMA(model, decay=0.98)
    loss_and_grads = nn.value_and_grad(model, lambda x, y: F.cross_entropy(model(x), y))

    @pt.compile
    def step(x, y):
        loss, grads = loss_and_grads(x, y)
        optimizer.update(grads)
        average.update()
        return loss

    def validate():
        """The average of the weights is what is measured and kept."""
        model.eval()
        with average.applied():
            logits = model(x_valid)
        model.train()
        accuracy = float((logits.numpy().argmax(axis=1) == y_valid).mean())
        return F.cross_entropy(logits, y_valid).item(), accuracy

    # All that changes is in `parts` or in `progress`; what is not saved cannot be resumed.
    parts = {"model": model, "optimizer": optimizer, "average": average, "loader": loader}
    progress = {"epoch": 0, "step": 0, "best": float("inf"), "waited": 0, "log": []}
    if checkpoint.exists():
        progress.update(pt.restore(checkpoint, **parts)["progress"])
        print(f"goes on at step {progress['step']}")

    def save():
        pt.save(checkpoint, **parts, progress=progress)

    while progress["epoch"] < args.epochs and progress["waited"] < args.patience:
        for x, y in loader:  # begins where the loader stood, in the middle of an epoch too
            step(x, y)
            progress["step"] += 1
            if progress["step"] % args.save_every == 0 and progress["step"] % len(loader) != 0:
                save()
        loss, accuracy = validate()
        progress["epoch"] += 1
        progress["waited"] += 1
        progress["log"].append([progress["epoch"], loss, accuracy])
        if loss < progress["best"]:
            progress["best"], progress["waited"] = loss, 0
            with average.applied():
                pt.save(args.out / "best.safetensors", model=model)
        save()
        print(f"epoch {progress['epoch']}: valid loss {loss:.4f}, accuracy {accuracy:.4f}")

    (args.out / "log.json").write_text(json.dumps(progress["log"]), encoding="utf-8")
    print(f"best valid loss {progress['best']:.4f} after {progress['step']} steps")


if __name__ == "__main__":
    main()
