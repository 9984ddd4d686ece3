"""Label what the model is least sure of: active learning beside choosing at random.

python active_learning.py --seeds 5

Each round trains logistic regression on the labelled digits, measures it on a test part, and labels more: those that
`pt.quality.uncertainty` scores highest, or any. Here the labels are known and only hidden; with people, `ask` is where
they come in.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits

import powertrain as pt

METHODS = ("random", "margin", "least_confidence", "entropy")


def ask(rows, answers):
    """What a person would say of these examples."""
    return answers[rows]


def train(x, y):
    return pt.solvers.fit_logistic(x, y, 10, l2=0.01)


def accuracy(model, x, y):
    return float((model.probabilities(x).argmax(axis=1) == y).mean())


def curve(x, y, test, method, seed, first, step, rounds):
    """The test accuracy after each round."""
    rng = np.random.default_rng(seed)
    pool = np.setdiff1d(rng.permutation(len(y)), test)
    # Some of each class, since a model cannot be unsure of a class that it does not know.
    labelled = np.concatenate([rng.permutation(pool[y[pool] == one])[: first // 10] for one in range(10)])
    known = dict(zip(labelled.tolist(), ask(labelled, y).tolist(), strict=True))
    scores = []
    for at in range(rounds + 1):
        rows = np.array(sorted(known))
        model = train(x[rows], np.array([known[row] for row in rows.tolist()]))
        scores.append(accuracy(model, x[test], y[test]))
        if at == rounds:
            break
        left = np.setdiff1d(pool, rows)
        if method == "random":
            chosen = rng.permutation(left)[:step]
        else:
            chosen = left[np.argsort(-pt.quality.uncertainty(model.probabilities(x[left]), method))[:step]]
        known.update(zip(chosen.tolist(), ask(chosen, y).tolist(), strict=True))
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many times, each with other first labels")
    parser.add_argument("--first", type=int, default=20, help="labels to begin with, a multiple of ten")
    parser.add_argument("--step", type=int, default=20, help="labels of a round")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    test = np.random.default_rng(1).permutation(len(y))[:500]
    sizes = [options.first + options.step * at for at in range(options.rounds + 1)]
    print(f"{'labels':<18}" + "".join(f"{size:>16}" for size in sizes))
    for method in METHODS:
        seeds = range(options.seeds)
        found = np.array(
            [curve(x, y, test, method, seed, options.first, options.step, options.rounds) for seed in seeds]
        )
        mean, spread = found.mean(axis=0), found.std(axis=0, ddof=1 if options.seeds > 1 else 0)
        print(f"{method:<18}" + "".join(f"{f'{a:.3f} ± {b:.3f}':>16}" for a, b in zip(mean, spread, strict=True)))


if __name__ == "__main__":
    main()
