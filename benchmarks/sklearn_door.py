"""The scikit-learn door beside scikit-learn, on Fashion-MNIST (60,000 x 784): time and objective of each.

    python benchmarks/sklearn_door.py                    # some minutes
    python benchmarks/sklearn_door.py --rows 8000        # a quick look
    python benchmarks/sklearn_door.py --threads 1 --cpu  # on a machine that is shared: seconds of processor time
    python benchmarks/sklearn_door.py --intelex          # beside scikit-learn as scikit-learn-intelex speeds it up

Both take turns on the same float32 rows, and the least time of each counts. Logistic regression has the same penalty;
the time is until the objective is as low as scikit-learn leaves it. k-means begins from the same centres, and once more
with each one's own k-means++.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

# The threads of OpenBLAS go on spinning for some 0.1 s after a call, at the cost of whoever computes next.
PAUSE = 0.3


@dataclass
class Race:
    """Seconds of both, and what they reached: an objective of which less is better."""

    name: str
    ours: float
    theirs: float
    our_objective: float
    their_objective: float

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours

    def line(self) -> str:
        return (
            f"{self.name:<34} {self.ours:8.3f} {self.theirs:8.3f} {self.ratio:7.2f}   "
            f"{self.our_objective:.7g}  {self.their_objective:.7g}"
        )


def race(
    name: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    objective: Callable[[Any], float],
    clock: Callable[[], float],
    rounds: int,
) -> Race:
    """Turns of both, one after the other."""
    seconds: list[list[float]] = [[], []]
    made: list[Any] = [None, None]
    for _ in range(rounds):
        for at, fit in enumerate((ours, theirs)):
            time.sleep(PAUSE)
            begin = clock()
            made[at] = fit()
            seconds[at].append(clock() - begin)
    return Race(name, min(seconds[0]), min(seconds[1]), objective(made[0]), objective(made[1]))


def logistic(x: Any, y: Any, clock: Callable[[], float], rounds: int, max_iter: int) -> Race:
    from sklearn.linear_model import LogisticRegression

    import powertrain as pt

    def objective(model: Any) -> float:
        """In float64, whatever the model computed in."""
        scores = x.astype(np.float64) @ model.coef_.T.astype(np.float64) + model.intercept_
        scores -= scores.max(axis=1, keepdims=True)
        losses = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]
        return float(losses.mean() + np.square(model.coef_, dtype=np.float64).sum() / (2 * len(y)))

    reached = objective(LogisticRegression(max_iter=max_iter).fit(x, y))
    # The fewest of our iterations that come as low; found before the clock runs.
    iterations = next(n for n in (10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
                      if objective(pt.Classifier(max_iter=n, tol=1e-9).fit(x, y)) <= reached)  # fmt: skip
    return race(
        f"logistic regression, {max_iter} iterations",
        lambda: pt.Classifier(max_iter=iterations, tol=1e-9).fit(x, y),
        lambda: LogisticRegression(max_iter=max_iter).fit(x, y),
        objective,
        clock,
        rounds,
    )


def k_means(x: Any, clock: Callable[[], float], rounds: int) -> list[Race]:
    from sklearn.cluster import KMeans

    import powertrain as pt

    def inertia(model: Any) -> float:
        return float(model.inertia_)

    start = x[:: len(x) // 10][:10]
    seeds = iter(range(1000)), iter(range(1000))
    return [
        race(
            "k-means, 10 clusters, same start",
            lambda: pt.KMeans(10, init=start).fit(x),
            lambda: KMeans(10, init=start, n_init=1).fit(x),
            inertia,
            clock,
            rounds,
        ),
        race(
            "k-means++, 10 clusters, 3 seeds",
            lambda: min((pt.KMeans(10, random_state=next(seeds[0])).fit(x) for _ in range(3)), key=inertia),
            lambda: min((KMeans(10, random_state=next(seeds[1])).fit(x) for _ in range(3)), key=inertia),
            inertia,
            clock,
            1,
        ),
    ]


def components(x: Any, clock: Callable[[], float], rounds: int) -> list[Race]:
    from sklearn.decomposition import PCA

    import powertrain as pt

    def unexplained(model: Any) -> float:
        return 1 - float(model.explained_variance_ratio_.sum(dtype=np.float64))

    return [
        race(
            f"PCA, {count or 'all'} components",
            lambda count=count: pt.PCA(count).fit(x),
            lambda count=count: PCA(count).fit(x),
            unexplained,
            clock,
            rounds,
        )
        for count in (50, None)
    ]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="turns of each, of which the best counts")
    parser.add_argument("--iterations", type=int, nargs="*", default=[100], metavar="N", help="of logistic regression")
    parser.add_argument("--threads", type=int, metavar="N", help="for both (default: all)")
    parser.add_argument("--cpu", action="store_true", help="processor time rather than time")
    parser.add_argument("--only", choices=["logistic", "k-means", "pca"], nargs="*")
    parser.add_argument("--intelex", action="store_true", help="the peer is scikit-learn-intelex, which is installed")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    given = options()
    if given.threads:  # read by both when they are imported
        for name in ("POWERTRAIN_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(given.threads)
    warnings.simplefilter("ignore")
    peer = "sklearn"
    if given.intelex:  # before its classes are imported
        from sklearnex import patch_sklearn

        patch_sklearn(verbose=False)
        peer = "intelex"
    from powertrain.builtin.data import FashionMnist

    train = FashionMnist.build(FashionMnist.Params(), Path.cwd()).train
    fields = train.fetch(np.arange(min(given.rows, len(train))))
    x, y = fields["x"].reshape(len(fields["x"]), -1).astype(np.float32) / 255, fields["y"]
    clock = time.process_time if given.cpu else time.perf_counter
    wanted = given.only or ["logistic", "k-means", "pca"]
    runs: list[Callable[[], list[Race]]] = []
    if "pca" in wanted:
        runs.append(lambda: components(x, clock, given.rounds))
    if "k-means" in wanted:
        runs.append(lambda: k_means(x, clock, given.rounds))
    if "logistic" in wanted:
        runs.append(lambda: [logistic(x, y, clock, max(1, given.rounds // 2), count) for count in given.iterations])
    if not given.json:
        unit = "processor s" if given.cpu else "seconds"
        print(f"{len(x):,} x {x.shape[1]}, {unit}; ratio: the peer's time / ours; objective: less is better")
        print(f"{'':<34} {'ours':>8} {peer:>8} {'ratio':>7}   objective: ours, {peer}")
    races: list[Race] = []
    for run in runs:
        made = run()
        races += made
        if not given.json:
            print(*(one.line() for one in made), sep="\n", flush=True)
    if given.json:
        print(json.dumps([{**asdict(one), "ratio": one.ratio} for one in races]))


if __name__ == "__main__":
    main()
