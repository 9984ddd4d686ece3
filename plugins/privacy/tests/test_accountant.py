"""Epsilon against the library's own accountant, a formula, published figures; the noise for a target."""

from __future__ import annotations

import importlib
import math
from typing import Any

import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from powertrain_privacy.accountant import Accountant, noise_for
from powertrain_privacy.errors import PrivacyError

library = pytest.importorskip("dp_accounting", reason="the account is dp-accounting's: powertrain-privacy[accounting]")


@pytest.mark.parametrize(
    ("noise", "chance", "steps", "delta"),
    [(1.0, 0.01, 1000, 1e-5), (0.7, 0.05, 60, 1e-4), (4.0, 0.01, 10_000, 1e-5), (2.0, 1.0, 5, 1e-6)],
)
def test_epsilon_is_the_one_of_the_library(noise: float, chance: float, steps: int, delta: float) -> None:
    from dp_accounting.pld import PLDAccountant

    accountant = PLDAccountant(library.NeighboringRelation.ADD_OR_REMOVE_ONE)  # at its own, finer discretization
    accountant.compose(library.PoissonSampledDpEvent(chance, library.GaussianDpEvent(noise)), steps)
    wanted = accountant.get_epsilon(delta)
    assert wanted - 1e-6 <= Accountant(noise, chance, delta).epsilon(steps) <= 1.02 * wanted


def gaussian_epsilon(noise: float, delta: float) -> float:
    """Of one Gaussian mechanism, without approximation (Balle and Wang 2018)."""

    def excess(epsilon: float) -> float:
        half, whole = 1 / (2 * noise), epsilon * noise
        return float(norm.cdf(half - whole) - math.exp(epsilon) * norm.cdf(-half - whole) - delta)

    return float(brentq(excess, 0, 50))


@pytest.mark.parametrize(("noise", "steps"), [(1.0, 1), (4.0, 9), (10.0, 400)])
def test_without_sampling_it_is_the_gaussian_mechanism(noise: float, steps: int) -> None:
    """Steps on all examples are one step with the noise over the root of their number."""
    wanted = gaussian_epsilon(noise / math.sqrt(steps), 1e-5)
    assert Accountant(noise, 1.0, 1e-5).epsilon(steps) == pytest.approx(wanted, rel=5e-3)


def test_it_is_below_the_figure_of_the_first_paper() -> None:
    """Abadi et al. 2016: noise 4, chance 0.01, 10,000 steps, delta 1e-5 spend 1.26 by the moments accountant."""
    assert 0.9 < Accountant(4.0, 0.01, 1e-5).epsilon(10_000) < 1.26


def test_nothing_is_spent_before_the_first_step_and_more_with_each() -> None:
    account = Accountant(1.0, 0.02, 1e-5)
    spent = [account.epsilon(steps) for steps in (0, 1, 10, 100, 1000)]
    assert spent[0] == 0 and spent == sorted(spent) and len(set(spent)) == 5


@pytest.mark.parametrize(("epsilon", "chance", "steps"), [(3.0, 0.2, 150), (1.0, 0.004, 2000), (0.2, 0.3, 400)])
def test_the_noise_spends_the_target_and_a_little_less_noise_more(epsilon: float, chance: float, steps: int) -> None:
    noise = noise_for(epsilon, 1e-5, chance, steps)
    assert 0.99 * epsilon < Accountant(noise, chance, 1e-5).epsilon(steps) <= epsilon
    assert Accountant(noise - 0.01, chance, 1e-5).epsilon(steps) > epsilon


def test_the_least_noise_is_not_looked_at_where_more_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its epsilon takes fifty times as long as that of a usual noise."""
    pld, looked_at = importlib.import_module("dp_accounting.pld"), []
    made = pld.PLDAccountant.compose

    def compose(self: Any, event: Any, count: int = 1) -> Any:
        looked_at.append(event.event.event.noise_multiplier)
        return made(self, event, count)

    monkeypatch.setattr(pld.PLDAccountant, "compose", compose)
    assert noise_for(8.0, 1e-5, 0.05, 600) == pytest.approx(1.02, abs=0.01)
    assert min(looked_at) > 0.4


def test_a_target_that_no_noise_is_needed_for_is_refused() -> None:
    with pytest.raises(PrivacyError) as caught:
        noise_for(5000.0, 1e-5, 0.01, 3)
    assert str(caught.value) == (
        "[dp-sgd] target_epsilon = 5000 at delta = 1e-05 in 3 steps with sampling probability 0.01; "
        "expected one that a "
        "noise_multiplier of 0.1 or more reaches; choose another epsilon"
    )


def test_without_the_library_its_line_of_installation_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, *more: Any) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name="dp_accounting")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(PrivacyError) as caught:
        Accountant(1.0, 0.1, 1e-5).epsilon(1)
    assert str(caught.value) == (
        "[dp-sgd] dp-accounting is not installed; expected it, since it computes epsilon; install it: pip install "
        '"powertrain-privacy[accounting]"'
    )
