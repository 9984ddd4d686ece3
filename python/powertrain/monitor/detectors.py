"""Drift detectors: they take a stream of numbers, one at a time, and say where its mean has moved.

The memory of each is constant; that of ADWIN, in adwin.py, grows with the logarithm of the window.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.arguments import shown
from powertrain.errors.methods import Abstract, missing
from powertrain.monitor.errors import MonitorError
from powertrain.plugin.conversion import Mistake, convert
from powertrain.plugin.params import param, parameters

Floats = NDArray[np.float64]
Level: TypeAlias = Literal["", "warning", "drift"]
Self = TypeVar("Self", bound="Detector")
_LEVELS: tuple[Level, ...] = ("", "warning", "drift")


@dataclass(eq=False)
class Detector(Abstract):
    """What all detectors share. After a drift, a detector starts again with the next value.

    seen    values since it began
    level   what the last value led to: "", "warning" or "drift"

    Example
        >>> detector: pt.monitor.Detector = pt.monitor.DDM()
        >>> [detector.update(wrong) for wrong in (0, 1, 0)]
        ['', '', '']
        >>> detector.seen
        3
    """

    NAME: ClassVar[str] = ""
    BINARY: ClassVar[bool] = False  # whether it takes 0 and 1 alone: whether an answer was wrong
    _KEPT: ClassVar[tuple[str, ...]] = ()  # attributes that are its state, numbers all of them

    def __post_init__(self) -> None:
        mistakes: list[Mistake] = []
        for one in parameters(type(self)):
            made = convert(getattr(self, one.name), one.type, one.range, (one.name,), mistakes)
            setattr(self, one.name, made)
        if mistakes:
            (name, *_), text = mistakes[0].path, mistakes[0].text
            raise MonitorError(f"[{type(self).__name__}] {name}: {text}; correct it")
        self._restart()

    def _restart(self) -> None:
        self.seen = 0
        self.level: Level = ""
        self._begin()

    def update(self, value: float) -> Level:
        """Take in the next value; what it leads to.

        Errors    a value that is no finite number, or neither 0 nor 1 where the detector takes no others
        """
        number = self._number(value)
        if self.level == "drift":
            self._restart()
        self.seen += 1
        self.level = self._take(number)
        return self.level

    def _number(self, value: float) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number) or (self.BINARY and number not in (0.0, 1.0)):
            expected = "0 for a right answer or 1 for a wrong one" if self.BINARY else "a finite number"
            raise MonitorError(
                f"[{type(self).__name__}] received {shown(value)} as value {self.seen + 1:,}; expected {expected}; "
                "leave the example out"
            )
        return number

    @property
    @abstractmethod
    def estimate(self) -> float:
        """The mean that it follows, as it is now."""
        raise missing(self, "estimate")

    @abstractmethod
    def _begin(self) -> None:
        """Forget every value."""
        raise missing(self, "_begin")

    @abstractmethod
    def _take(self, value: float) -> Level:
        """What a value leads to."""
        raise missing(self, "_take")

    def state(self) -> Floats:
        """Everything that it knows, as numbers: `restore` takes them."""
        kept = [float(getattr(self, name)) for name in self._KEPT]
        return np.array([self.seen, _LEVELS.index(self.level), *kept], dtype=np.float64)

    def restore(self: Self, state: Sequence[float] | Floats) -> Self:
        """Go on from what `state` gave of a detector with the same settings.

        Errors    numbers that are no such state
        Example
            >>> first, second = pt.monitor.DDM(), pt.monitor.DDM()
            >>> _ = first.update(1)
            >>> second.restore(first.state()).seen
            1
        """
        values = np.asarray(state, dtype=np.float64)
        whole = values.ndim == 1 and len(values) >= 2 and not np.isnan(values).any()
        if not whole or not self._fits(values[2:].tolist()) or values[1] not in (0, 1, 2) or not _is_count(values[0]):
            raise MonitorError(
                f"[{type(self).__name__}] received {values.size} numbers that are not its state; expected what "
                "state() gave of a detector with the same settings; start without a state"
            )
        self._restore(values[2:].tolist())
        self.seen, self.level = int(values[0]), _LEVELS[int(values[1])]
        return self

    def _fits(self, values: Sequence[float]) -> bool:
        return len(values) == len(self._KEPT)

    def _restore(self, values: Sequence[float]) -> None:
        for name, value in zip(self._KEPT, values, strict=True):
            setattr(self, name, value)


def _is_count(value: float) -> bool:
    return 0 <= value < 2**53 and value == int(value)


@dataclass(eq=False)
class PageHinkley(Detector):
    """The Page-Hinkley test: values above their mean add up, and a sum that has risen by `threshold` is a drift.

    Source    Page 1954; numbers as in river's PageHinkley
    Example
        >>> detector = pt.monitor.PageHinkley()
        >>> [at for at, value in enumerate([0.0] * 100 + [5.0] * 100) if detector.update(value) == "drift"]
        [110]
    """

    NAME: ClassVar[str] = "page-hinkley"
    _KEPT: ClassVar[tuple[str, ...]] = ("_mean", "_up", "_down", "_lowest", "_highest")

    min_instances: int = param(30, low=1, doc="values before the first drift")
    delta: float = param(0.005, low=0, doc="size of a change that does not count")
    threshold: float = param(50.0, above=0, doc="rise of the sum that is a drift; larger raises fewer alarms")
    alpha: float = param(0.9999, above=0, high=1, doc="share of the sum that stays with each value")
    mode: str = param("both", choices=("up", "down", "both"), doc="which way the mean moves")

    def _begin(self) -> None:
        self._mean = self._up = self._down = 0.0
        self._lowest, self._highest = math.inf, -math.inf

    @property
    def estimate(self) -> float:
        return self._mean

    def _take(self, value: float) -> Level:
        self._mean += 1.0 / self.seen * (value - self._mean)
        above = value - self._mean
        self._up = self.alpha * self._up + above - self.delta
        self._down = self.alpha * self._down + above + self.delta
        self._lowest, self._highest = min(self._lowest, self._up), max(self._highest, self._down)
        if self.seen < self.min_instances:
            return ""
        rise = self._up - self._lowest if self.mode != "down" else 0.0
        fall = self._highest - self._down if self.mode != "up" else 0.0
        return "drift" if max(rise, fall) > self.threshold else ""


@dataclass(eq=False)
class DDM(Detector):
    """The drift detection method: the error rate has risen above its lowest by some of its deviations.

    Source    Gama et al. 2004; numbers as in river's DDM
    Example
        >>> detector = pt.monitor.DDM()
        >>> [at for at in range(200) if detector.update(at % 10 == 0 if at < 100 else 1) == "drift"]
        [106]
    """

    NAME: ClassVar[str] = "ddm"
    BINARY: ClassVar[bool] = True
    _KEPT: ClassVar[tuple[str, ...]] = ("_rate", "_least", "_deviation")

    warm_start: int = param(30, low=1, doc="values before the first warning or drift")
    warning_threshold: float = param(2.0, above=0, doc="deviations above the lowest rate that are a warning")
    drift_threshold: float = param(3.0, above=0, doc="deviations that are a drift")

    def _begin(self) -> None:
        self._rate = 0.0
        self._least = self._deviation = math.inf  # the rate where rate + deviation was lowest, and its deviation

    @property
    def estimate(self) -> float:
        return self._rate

    def _take(self, value: float) -> Level:
        self._rate += 1.0 / self.seen * (value - self._rate)
        deviation = math.sqrt(max(0.0, self._rate * (1 - self._rate) / self.seen))
        if self.seen <= self.warm_start:
            return ""
        now = self._rate + deviation
        if now <= self._least + self._deviation:
            self._least, self._deviation = self._rate, deviation
        if now > self._least + self.drift_threshold * self._deviation:
            return "drift"
        return "warning" if now > self._least + self.warning_threshold * self._deviation else ""


@dataclass(eq=False)
class EDDM(Detector):
    """The early drift detection method: errors come closer together than they did; it sees slow changes sooner.

    Source    Baena-Garcia et al. 2006; numbers as in river's EDDM
    Example
        >>> detector = pt.monitor.EDDM()
        >>> [at for at in range(1500) if detector.update(at % 10 == 9 if at < 600 else at % 3 == 0) == "drift"]
        [837]
    """

    NAME: ClassVar[str] = "eddm"
    BINARY: ClassVar[bool] = True
    _KEPT: ClassVar[tuple[str, ...]] = ("_errors", "_mean", "_squares", "_last", "_widest")

    warm_start: int = param(30, low=1, doc="errors before the first warning or drift")
    alpha: float = param(0.95, above=0, below=1, doc="share of the widest distance below which is a warning")
    beta: float = param(0.9, above=0, below=1, doc="share below which is a drift; at most alpha")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha < self.beta:
            raise MonitorError(
                f"[EDDM] received alpha = {self.alpha:g} and beta = {self.beta:g}; expected beta of at most alpha; "
                "swap them"
            )

    def _begin(self) -> None:
        self._errors = self._last = 0  # how many, and the number of the last one
        self._mean = self._squares = 0.0  # of the distances between errors
        self._widest = -1.0

    @property
    def estimate(self) -> float:
        """The mean distance between two errors."""
        return self._mean

    def _take(self, value: float) -> Level:
        if not value:
            return self.level
        self._errors += 1
        distance, before = self.seen - self._last, self._mean
        self._mean += 1.0 / self._errors * (distance - before)
        self._squares += (distance - before) * (distance - self._mean)
        self._last = self.seen
        if self.seen <= self.warm_start:
            return self.level
        variance = self._squares / (self._errors - 1) if self._errors > 1 else 0.0
        wide = self._mean + 2 * variance**0.5
        if wide > self._widest:
            self._widest = wide
        elif self._errors > self.warm_start:
            level = wide / self._widest
            return "drift" if level < self.beta else "warning" if level < self.alpha else ""
        return self.level
