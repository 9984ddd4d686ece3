"""Corrections of a classifier's outputs, after which the softmax gives probabilities that hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]
SMALLEST = 1e-300  # whose logarithm is a number
LEAST_SHARE = 1e-7  # of a class that isotonic regression gives no chance: its logarithm is still a usable logit


def log_odds(outputs: Any) -> Any:
    """log(p / (1 - p)) of each class, of logits [examples, classes], in float64. Arrays and tensors are taken alike."""
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    # The sum of all others as a product: 1 - p has no digits left where p is near 1.
    others = powers @ (1.0 - np.eye(outputs.shape[1]))
    return shifted - np.log(np.maximum(others, SMALLEST))


def _logits(shares: Any, least: float) -> Any:
    """Logarithms of shares that are brought to the sum 1."""
    kept = np.maximum(shares, least)
    return np.log(kept / kept.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Temperature:
    """Logits divided by one number (Guo et al. 2017): no answer changes, only how sure it is."""

    temperature: float
    method: ClassVar[str] = "temperature"
    fields: ClassVar[dict[str, Any]] = {"temperature": float}

    def __call__(self, outputs: Any) -> Any:
        return outputs / self.temperature

    def arrays(self) -> dict[str, Floats]:
        """What was fitted, as it is computed with, where it is more than one number."""
        return {}

    def misfit(self, classes: int) -> str:
        """What keeps it from outputs of so many classes; nothing where it fits."""
        good = np.isfinite(self.temperature) and self.temperature > 0
        return "" if good else f"the temperature is {self.temperature}"

    def words(self) -> str:
        return f"temperature scaling by {self.temperature:.4g}"


@dataclass(frozen=True)
class Platt:
    """A sigmoid for each class against the others, of its log-odds: slope times these plus intercept, brought to the
    sum 1 (Platt 1999)."""

    slopes: list[float]
    intercepts: list[float]
    method: ClassVar[str] = "platt"
    fields: ClassVar[dict[str, Any]] = {"slopes": [float], "intercepts": [float]}

    def __call__(self, outputs: Any) -> Any:
        with np.errstate(over="ignore"):
            lines = self.arrays()
            raised = log_odds(outputs.astype("float64")) * lines["slopes"] + lines["intercepts"]
            return _logits(1.0 / (1.0 + np.exp(-raised)), SMALLEST).astype(outputs.dtype)

    def arrays(self) -> dict[str, Floats]:
        return {"slopes": np.array(self.slopes), "intercepts": np.array(self.intercepts)}

    def misfit(self, classes: int) -> str:
        if not len(self.slopes) == len(self.intercepts) == classes:
            return f"it has {len(self.slopes)} slopes and {len(self.intercepts)} intercepts for {classes} classes"
        return "" if np.isfinite([*self.slopes, *self.intercepts]).all() else "a slope or an intercept is not finite"

    def words(self) -> str:
        return "Platt's sigmoid"


@dataclass(frozen=True)
class Isotonic:
    """A rising step line for each class against the others, from its log-odds to a share, brought to the sum 1
    (Zadrozny and Elkan 2002). Between the corners it is straight, beyond them level."""

    corners: list[list[float]]
    shares: list[list[float]]
    method: ClassVar[str] = "isotonic"
    fields: ClassVar[dict[str, Any]] = {"corners": [[float]], "shares": [[float]]}

    def arrays(self) -> dict[str, Floats]:
        """The lines as sums: a first share [classes], and for each ramp [classes, ramps] where it begins, how wide it
        is and how far it rises."""
        count = max(1, *(len(one) - 1 for one in self.corners))
        begins, widths, rises = (np.full((len(self.corners), count), usual) for usual in (0.0, 1.0, 0.0))
        for at, (x, y) in enumerate(zip(self.corners, self.shares, strict=True)):
            ramps = len(x) - 1  # the others rise by nothing
            begins[at, :ramps], widths[at, :ramps], rises[at, :ramps] = x[:-1], np.diff(x), np.diff(y)
        return {"first": np.array([one[0] for one in self.shares]), "begins": begins, "widths": widths, "rises": rises}

    def __call__(self, outputs: Any) -> Any:
        lines = self.arrays()
        odds = log_odds(outputs.astype("float64"))
        along = (odds.reshape((*odds.shape, 1)) - lines["begins"]) / lines["widths"]
        found = lines["first"] + (np.minimum(np.maximum(along, 0.0), 1.0) * lines["rises"]).sum(axis=2)
        return _logits(found, LEAST_SHARE).astype(outputs.dtype)

    def misfit(self, classes: int) -> str:
        if not len(self.corners) == len(self.shares) == classes:
            return f"it has lines for {len(self.corners)} classes of {classes}"
        for x, y in zip(self.corners, self.shares, strict=True):
            shares = np.array(y)
            rises = len(x) == len(y) > 0 and np.isfinite(x).all() and (np.diff(x) > 0).all()
            if not (rises and (np.diff(shares) >= 0).all() and ((shares >= 0) & (shares <= 1)).all()):
                return "a line does not rise from 0 to 1"
        return ""

    def words(self) -> str:
        return "isotonic regression"


Calibration = Temperature | Platt | Isotonic
METHODS: dict[str, Any] = {one.method: one for one in (Temperature, Platt, Isotonic)}
