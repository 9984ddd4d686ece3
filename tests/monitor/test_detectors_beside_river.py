"""Every drift at the same place as in river: on planted changes, and on a stream of electricity prices."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.monitor import ADWIN, DDM, EDDM, Detector, PageHinkley

drift = pytest.importorskip("river.drift", reason="the detectors that ours are compared with are river's")
pytestmark = pytest.mark.peers

BINARY: dict[str, tuple[Any, Any]] = {
    "adwin": (ADWIN, drift.ADWIN),
    "adwin, strict": (lambda: ADWIN(delta=1e-6, clock=1), lambda: drift.ADWIN(delta=1e-6, clock=1)),
    "adwin, other windows": (
        lambda: ADWIN(delta=0.1, clock=7, max_buckets=3, min_window_length=20, grace_period=100),
        lambda: drift.ADWIN(delta=0.1, clock=7, max_buckets=3, min_window_length=20, grace_period=100),
    ),
    "page-hinkley": (PageHinkley, drift.PageHinkley),
    "page-hinkley, loose": (
        lambda: PageHinkley(threshold=5, delta=0.05, alpha=0.99, mode="up"),
        lambda: drift.PageHinkley(threshold=5, delta=0.05, alpha=0.99, mode="up"),
    ),
    "page-hinkley, down": (
        lambda: PageHinkley(threshold=8, mode="down"), lambda: drift.PageHinkley(threshold=8, mode="down")
    ),
    "ddm": (DDM, drift.binary.DDM),
    "ddm, loose": (
        lambda: DDM(warm_start=100, warning_threshold=1.5, drift_threshold=2.0),
        lambda: drift.binary.DDM(warm_start=100, warning_threshold=1.5, drift_threshold=2.0),
    ),
    "eddm": (EDDM, drift.binary.EDDM),
    "eddm, strict": (lambda: EDDM(alpha=0.8, beta=0.75), lambda: drift.binary.EDDM(alpha=0.8, beta=0.75)),
}  # fmt: skip


def planted(seed: int) -> Any:
    """Errors whose rate changes every 1,500 examples, once slowly."""
    draw = np.random.Generator(np.random.Philox(seed))
    rates = np.repeat([0.2, 0.4, 0.1, 0.5, 0.3], 1500)
    rates[3000:4500] = np.linspace(0.1, 0.4, 1500)
    return (draw.random(len(rates)) < rates).astype(float)


def electricity() -> Any:
    """Whether who says the last price again is wrong, and the price itself."""
    path = Path(os.environ.get("POWERTRAIN_DATA", "")) / "electricity" / "elec.csv"
    if not path.is_file():
        pytest.skip("the electricity stream is not there: python -m powertrain_tabular.fetch FOLDER, POWERTRAIN_DATA")
    rows = np.array(list(csv.reader(path.read_text().splitlines()))[1:], dtype=float)
    return (rows[1:, -1] != rows[:-1, -1]).astype(float), rows[:, 1]


def both(ours: Detector, theirs: Any, values: Any) -> tuple[list[int], list[int], list[int], list[int]]:
    """The drifts and warnings of each."""
    found: tuple[list[int], ...] = ([], [], [], [])
    for at, value in enumerate(values.tolist()):
        level = ours.update(value)
        theirs.update(value)
        # river's EDDM leaves a warning on where a drift follows it.
        warns = getattr(theirs, "warning_detected", False) and not theirs.drift_detected
        for kept, there in zip(
            found,
            (level == "drift", theirs.drift_detected, level == "warning", warns),
            strict=True,
        ):
            if there:
                kept.append(at)
        if isinstance(ours, ADWIN):
            assert (ours.width, ours.estimate) == (theirs.width, pytest.approx(theirs.estimation, rel=1e-12))
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("name", BINARY)
def test_planted_changes_are_found_at_the_same_places(name: str) -> None:
    count = 0
    for seed in range(5):
        ours, theirs, warned, others_warned = both(*(make() for make in BINARY[name]), planted(seed))
        assert ours == theirs and warned == others_warned
        count += len(ours)
    assert count >= 5


@pytest.mark.parametrize("name", BINARY)
def test_a_real_stream_has_its_drifts_at_the_same_places(name: str) -> None:
    errors, _ = electricity()
    ours, theirs, warned, others_warned = both(*(make() for make in BINARY[name]), errors)
    assert ours == theirs and warned == others_warned


@pytest.mark.parametrize("name", [name for name in BINARY if "ddm" not in name])
def test_prices_have_their_drifts_at_the_same_places(name: str) -> None:
    _, prices = electricity()
    ours, theirs, *_ = both(*(make() for make in BINARY[name]), prices)
    assert ours == theirs


@pytest.mark.parametrize("name", [name for name in BINARY if "ddm" not in name])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e4])
def test_numbers_of_any_size_do_too(name: str, scale: float) -> None:
    draw = np.random.Generator(np.random.Philox(3))
    values = scale * (draw.normal(size=6000) + np.repeat([0, 1, -1, 5, 5.5, 0], 1000) + 100)
    ours, theirs, *_ = both(*(make() for make in BINARY[name]), values)
    assert ours == theirs
