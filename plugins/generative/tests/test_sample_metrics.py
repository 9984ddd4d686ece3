"""The Fréchet distance, precision and recall of samples against SciPy and a plain loop."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from powertrain_generative import metrics
from powertrain_generative.errors import GenerativeError
from powertrain_generative.metrics import FrechetDistance, SamplePrecision, SampleRecall

draw = np.random.default_rng(0)
REAL = draw.normal(size=(300, 5)) @ draw.normal(size=(5, 5)) + 1
MADE = draw.normal(size=(300, 5)) * 1.5


def measured(metric: Any, made: Any = MADE, real: Any = REAL, weight: Any = None, parts: int = 1) -> float:
    weight = np.ones(len(made)) if weight is None else weight
    for part in np.array_split(np.arange(len(made)), parts):
        metric.update(made[part], real[part], weight[part])
    return float(metric.compute())


def frechet(made: Any, real: Any) -> float:
    a, b = np.cov(made.T), np.cov(real.T)
    return float(np.square(made.mean(0) - real.mean(0)).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real))


def covered(asked: Any, cloud: Any, k: int) -> float:
    radius = np.sort(cdist(cloud, cloud), axis=1)[:, k]
    return float((cdist(asked, cloud) <= radius).any(axis=1).mean())


@pytest.mark.parametrize("parts", [1, 7])
def test_the_distance_is_that_of_scipy(parts: int) -> None:
    assert measured(FrechetDistance(), parts=parts) == pytest.approx(frechet(MADE, REAL), rel=1e-9)
    assert measured(FrechetDistance(), REAL, REAL, parts=parts) == pytest.approx(0, abs=1e-9)


def test_a_flat_cloud_has_a_distance() -> None:
    """Features that never vary leave the covariance singular, where a matrix root is not defined by itself."""
    flat = np.concatenate([MADE[:, :2], np.zeros((300, 3))], axis=1)
    wanted = frechet(flat + 1e-9 * draw.normal(size=flat.shape), REAL)
    assert measured(FrechetDistance(), flat) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("parts", [1, 3])
def test_precision_and_recall_are_those_of_a_plain_loop(k: int, parts: int) -> None:
    assert measured(SamplePrecision(k=k), parts=parts) == covered(MADE, REAL, k)
    assert measured(SampleRecall(k=k), parts=parts) == covered(REAL, MADE, k)


def test_samples_of_one_kind_are_precise_and_recall_little() -> None:
    one = np.repeat(REAL[:1], 300, axis=0) + 1e-6 * draw.normal(size=REAL.shape)
    assert measured(SamplePrecision(), one) == 1 and measured(SampleRecall(), one) < 0.05


def test_rows_of_weight_0_count_nowhere() -> None:
    weight = np.ones(300)
    weight[200:] = 0
    assert measured(FrechetDistance(), weight=weight) == pytest.approx(frechet(MADE[:200], REAL[:200]), rel=1e-9)
    assert measured(SamplePrecision(k=3), weight=weight) == covered(MADE[:200], REAL[:200], 3)


def test_nothing_has_no_distance() -> None:
    assert np.isnan([FrechetDistance().compute(), SamplePrecision().compute(), SampleRecall().compute()]).all()


@pytest.mark.parametrize("metric", [FrechetDistance, SamplePrecision, SampleRecall])
def test_clouds_that_do_not_fit_are_refused(metric: Any) -> None:
    with pytest.raises(GenerativeError, match=r"samples \[300, 4\], real examples \[300, 5\]; expected as many rows"):
        measured(metric(), MADE[:, :4])
    with pytest.raises(GenerativeError, match="features that are not finite; expected finite numbers"):
        measured(metric(), np.full_like(MADE, np.nan))


def test_the_examples_of_the_docstrings() -> None:
    assert doctest.testmod(metrics, extraglobs={"np": np}).failed == 0
