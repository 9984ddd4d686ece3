"""Which recipes are tried on a table, from the simplest to the most complex, and why one is not."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from powertrain_tabular.trees import INSTALL

# Where a library that fits from all rows at once would take too long, or too much memory, to be tried.
MOST_OF_PAIRS = 2_000  # features whose products, two by two, are solved for
MOST_KERNEL_ROWS = 10_000
MOST_TREE_CLASSES = 100  # boosting and forests grow a tree for each class
EARLY_ROWS = 1_000  # from so many on, a part is held out that says when to stop
PLAIN = {"scale": False, "log": False}  # trees ask whether a number is larger than another: no scale changes that


@dataclass(frozen=True)
class Facts:
    """What decides about candidates. `skewed`: the target is never negative, and a few values are far above others."""

    rows: int
    features: int
    classes: int | None
    skewed: bool
    seed: int


@dataclass(frozen=True)
class Candidate:
    """One recipe without its data. Of `rank` a lower one is simpler; the time of a fit grows with rows ** `growth`."""

    name: str
    words: str
    rank: int
    tables: Mapping[str, Any]
    encode: Mapping[str, Any] = field(default_factory=dict)
    valid: float = 0.0  # share of the training rows that says when to stop
    growth: float = 1.0
    left_out: str = ""  # why it is not tried


def candidates(facts: Facts) -> tuple[Candidate, ...]:
    """Every candidate, the simplest first."""
    found = [_constant(), *_linear(facts), *_trees(facts), _kernel(facts), _network(facts)]
    return tuple(sorted(found, key=lambda one: one.rank))


def _once(model: object, facts: Facts, scale: str = "") -> dict[str, Any]:
    """A recipe whose model is fitted once, from all rows."""
    scale = scale or ("log1p" if facts.skewed else "")
    target = {"target": {"scale": scale}} if scale and facts.classes is None else {}
    return {**target, "model": model, "run": {"until": "1 round", **_seed(facts)}}


def _seed(facts: Facts) -> dict[str, int]:
    return {"seed": facts.seed} if facts.seed else {}


def _constant() -> Candidate:
    words = "always the same answer: the shares of the classes, or the mean"
    return Candidate("constant", words, 0, {"model": "constant", "run": {"until": "1 round"}})


def _linear(facts: Facts) -> list[Candidate]:
    """Two strengths of the penalty: the second is for few rows, or many columns."""
    made = []
    if facts.classes is not None:
        words = "the class whose mean is nearest"
        made.append(Candidate("nearest-mean", words, 1, _once("nearest-mean", facts)))
    for name, held in (("linear", 1e-3), ("linear-held", 0.1)):
        plain = _once("linear", facts)
        if facts.classes is None and facts.features <= MOST_OF_PAIRS:
            strategy: dict[str, Any] = {"use": "least-squares", "l2": held}
            run = {**plain["run"], "batch_size": 256}
        else:  # a number of many columns too: it needs no product of two columns
            strategy, run = {"use": "full-batch", "l2": held}, {**plain["run"], "until": "2 rounds", "batch_size": 1024}
        kind = "logistic regression" if facts.classes is not None else "ridge regression"
        words = kind if name == "linear" else f"{kind} with small weights"
        made.append(Candidate(name, words, 2, {**plain, "strategy": strategy, "run": run}))
    return made


def _trees(facts: Facts) -> list[Candidate]:
    seed = _seed(facts)
    tree = {"use": "decision-tree", "leaves": 8, "least_rows": 10, **seed}
    forest = {"use": "random-forest", "trees": 200, "leaves": 255, "least_rows": 2, **seed}
    small = {"use": "lightgbm", "trees": 150, "learning_rate": 0.05, "leaves": 7, "least_rows": 10, **seed}
    large = {"use": "lightgbm", "trees": 1_000, "learning_rate": 0.05, "leaves": 31, **seed}
    why = ""
    if importlib.util.find_spec("lightgbm") is None:
        why = f"LightGBM is not installed ({INSTALL})"
    several = why
    if not why and (facts.classes or 0) > MOST_TREE_CLASSES:
        several = f"{facts.classes:,} classes, and it grows a tree for each of them"
    few = several or ("" if facts.rows >= EARLY_ROWS else f"fewer than {EARLY_ROWS:,} training rows")
    return [
        Candidate("tree", "one decision tree of 8 leaves", 3, _once(tree, facts), left_out=several, encode=PLAIN),
        Candidate("forest", "a random forest of 200 trees", 4, _once(forest, facts), left_out=several, encode=PLAIN),
        Candidate("boosting", "150 small boosted trees", 6, _once(small, facts), left_out=several, encode=PLAIN),
        Candidate(
            "boosting-early", "up to 1,000 boosted trees, stopped early", 7, _once(large, facts), valid=0.1,
            left_out=few, encode=PLAIN,
        ),
    ]  # fmt: skip


def _kernel(facts: Facts) -> Candidate:
    """Its epsilon is in units of the target, which therefore has a deviation of one."""
    why = ""
    if importlib.util.find_spec("sklearn") is None:
        why = "scikit-learn is not installed (pip install scikit-learn)"
    elif facts.rows > MOST_KERNEL_ROWS:
        why = f"{facts.rows:,} training rows, and its time grows with their square"
    elif (facts.classes or 0) > MOST_TREE_CLASSES:
        why = f"{facts.classes:,} classes, and it fits a machine for each pair of them"
    words = "a support vector machine with a Gaussian kernel"
    return Candidate("kernel-svm", words, 5, _once("kernel-svm", facts, "standardize"), growth=2.0, left_out=why)


def _network(facts: Facts) -> Candidate:
    """Its rate is for a target of deviation one. Of few rows all are learned from, for about a thousand updates."""
    early = facts.rows >= EARLY_ROWS
    batch = 64 if early else 16
    epochs = 40 if early else max(10, min(60, round(1_000 * batch / facts.rows)))
    stop = {"stop": {"watch": "valid.loss", "patience": 5}} if early else {}
    tables = {
        **_once({"use": "mlp", "hidden": [64]}, facts, "standardize"),
        "optimizer": {"use": "adamw", "lr": 3e-3, "weight_decay": 0.01, "schedule": "cosine"},
        "run": {"until": f"{epochs} epochs", "batch_size": batch, **_seed(facts), **stop},
    }
    return Candidate("mlp", "a network with one hidden layer", 8, tables, valid=0.1 if early else 0.0)
