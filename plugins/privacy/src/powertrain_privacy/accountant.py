"""How much privacy a training spends: epsilon at a delta, by the privacy loss distributions of dp-accounting.

Two data sets are neighbours where one has an example more than the other. A step takes each example with the same
chance, by itself, and adds Gaussian noise.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from powertrain_privacy.errors import PrivacyError

# Between the values of a discretized privacy loss. The epsilon stays an upper bound. With 1e-4 it is lower by 0.1 %
# after 3,000 steps and by 1.4 % after 10,000, and takes 10 times as long.
INTERVAL = 1e-3
TOLERANCE = 1e-3  # of a noise multiplier that is searched for
LEAST_NOISE = 0.1  # below, epsilon is in the hundreds
DOUBLINGS = 30  # of a noise multiplier, until none is found


@dataclass(frozen=True)
class Accountant:
    """The account of steps with one noise and one chance of each example.

    noise_multiplier   standard deviation of the noise over the norm that gradients are clipped to
    chance             of an example to be in the batch of a step
    delta              chance for which epsilon promises nothing
    """

    noise_multiplier: float
    chance: float
    delta: float

    @cached_property
    def _step(self) -> Any:
        """The privacy loss of one step."""
        losses = _library("pld.privacy_loss_distribution")
        return losses.from_gaussian_mechanism(
            self.noise_multiplier, sampling_prob=self.chance, value_discretization_interval=INTERVAL
        )

    def epsilon(self, steps: int) -> float:
        """An upper bound of epsilon after so many steps."""
        if steps == 0:
            return 0.0
        return float(self._step.self_compose(steps).get_epsilon_for_delta(self.delta))


def noise_for(epsilon: float, delta: float, chance: float, steps: int) -> float:
    """The smallest noise multiplier, to 0.001, with which so many steps spend at most an epsilon."""
    library = _library("")

    def accountant() -> Any:
        relation = library.NeighboringRelation.ADD_OR_REMOVE_ONE
        return _library("pld").PLDAccountant(relation, value_discretization_interval=INTERVAL)

    def event(noise: float) -> Any:
        step = library.PoissonSampledDpEvent(chance, library.GaussianDpEvent(noise))
        return library.SelfComposedDpEvent(step, steps)

    def suffices(noise: float) -> bool:
        account = accountant()
        account.compose(event(noise))
        return bool(account.get_epsilon(delta) <= epsilon)

    around = _around(suffices)
    if around is None:
        raise PrivacyError(
            f"[dp-sgd] target_epsilon = {epsilon:g} at delta = {delta:g} in {steps:,} steps with sampling "
            f"probability {chance:.3g}; expected one that a noise_multiplier of {LEAST_NOISE:g} or more reaches; "
            "choose another epsilon"
        )
    bracket = library.mechanism_calibration.ExplicitBracketInterval(*around)
    return float(library.calibrate_dp_mechanism(accountant, event, epsilon, delta, bracket, tol=TOLERANCE))


def _around(suffices: Callable[[float], bool]) -> tuple[float, float] | None:
    """Two noise multipliers, of which the larger one suffices alone. They are looked for from 1 on: the epsilon of the
    least noise takes seconds, as its privacy loss has a hundred thousand values."""
    noise = 1.0
    if suffices(noise):
        while noise > LEAST_NOISE:
            less = max(noise / 2, LEAST_NOISE)
            if not suffices(less):
                return less, noise
            noise = less
        return None
    for _ in range(DOUBLINGS):
        noise *= 2
        if suffices(noise):
            return noise / 2, noise
    return None


def _library(module: str) -> Any:
    """A module of dp-accounting, which is imported here alone."""
    try:
        return importlib.import_module(f"dp_accounting.{module}".rstrip("."))
    except ModuleNotFoundError as error:
        if error.name != "dp_accounting":
            raise
        raise PrivacyError(
            "[dp-sgd] dp-accounting is not installed; expected it, since it computes epsilon; install it: "
            'pip install "powertrain-privacy[accounting]"'
        ) from None
