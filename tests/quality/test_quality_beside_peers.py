"""The same numbers as cleanlab, krippendorff and statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planted_noise import planted
from powertrain.quality import confident_joint, find_label_issues, fleiss_kappa, krippendorff_alpha, out_of_fold

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]
cleanlab = pytest.importorskip("cleanlab", reason="the peer is cleanlab")


def ratings(gaps: float) -> Any:
    rng = np.random.Generator(np.random.Philox(key=3))
    truth = rng.integers(1, 6, (200, 1))
    made = np.clip(truth + rng.integers(-1, 2, (200, 4)), 1, 5).astype(float)
    made[rng.random(made.shape) < gaps] = np.nan
    return made


@pytest.mark.parametrize("gaps", [0.0, 0.3])
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_that_of_krippendorff(level: str, gaps: float) -> None:
    peer = pytest.importorskip("krippendorff", reason="the peer is krippendorff")
    made = ratings(gaps)
    assert krippendorff_alpha(made, level) == pytest.approx(peer.alpha(made.T, level_of_measurement=level), abs=1e-12)


def test_fleiss_kappa_is_that_of_statsmodels() -> None:
    peer = pytest.importorskip("statsmodels.stats.inter_rater", reason="the peer is statsmodels")
    made = ratings(0.0)
    assert fleiss_kappa(made) == pytest.approx(peer.fleiss_kappa(peer.aggregate_raters(made)[0]), abs=1e-12)


@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_wrong_labels_are_those_of_cleanlab(noise: float) -> None:
    from cleanlab.count import compute_confident_joint
    from cleanlab.filter import find_label_issues as peer

    x, given, bad = planted(noise)
    shares = out_of_fold(x, given)
    assert (confident_joint(given, shares) == compute_confident_joint(given, shares, calibrate=False)).all()

    def both(filter_by: str) -> tuple[Any, Any]:
        ours = find_label_issues(given, shares, filter_by=filter_by).rows
        return ours, peer(given, shares, filter_by=filter_by, return_indices_ranked_by="self_confidence")

    ours, theirs = both("confident_learning")
    assert ours.tolist() == theirs.tolist()
    # The counts of the others are rounded, which moves a row or two of a cell.
    for filter_by in ("prune_by_noise_rate", "prune_by_class", "both"):
        ours, theirs = both(filter_by)
        assert len(np.intersect1d(ours, theirs)) >= 0.9 * len(np.union1d(ours, theirs))
        scores = [2 * np.isin(one, bad).sum() / (len(one) + len(bad)) for one in (ours, theirs)]
        assert scores[0] >= scores[1] - 0.02  # F1
