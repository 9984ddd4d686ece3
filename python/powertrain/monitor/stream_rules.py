"""Rules that look at every example: a drift detector over the error of a model, or over one of its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.monitor.adwin import ADWIN
from powertrain.monitor.detectors import DDM, EDDM, Detector, PageHinkley
from powertrain.monitor.errors import MonitorError
from powertrain.monitor.rules import Event, Rule
from powertrain.plugin.conversion import check
from powertrain.plugin.wording import suggestion

if TYPE_CHECKING:
    from powertrain.monitor.detectors import Floats

DETECTORS: Mapping[str, type[Detector]] = {one.NAME: one for one in (ADWIN, PageHinkley, DDM, EDDM)}
ERROR = "error"  # what a rule watches that names no input: the error of each example whose label has come


def make_detector(name: str, settings: Mapping[str, Any], where: str) -> Detector:
    """A detector by its name, with some of its settings.

    Errors    a name, or a setting, that there is not
    """
    if name not in DETECTORS:
        raise MonitorError(
            f"[{where}] received detector {name!r}; expected one of {', '.join(DETECTORS)}"
            f"{suggestion(name, DETECTORS)}; correct it"
        )
    made, mistakes = check(DETECTORS[name], settings, name)
    if mistakes:
        named = ".".join(map(str, mistakes[0].path))
        raise MonitorError(f"[{where}] {named}: {mistakes[0].text}; correct it")
    return made


@dataclass(frozen=True)
class DetectorRule:
    """An alarm is raised where a detector finds a drift, and ends when it finds none for a window of the monitor.

        detector   "adwin", "page-hinkley", "ddm" or "eddm"
        of         "error": of each example whose label has come, 0 or 1 of a class, the squared error of a number;
                   else the name of an input that is a number
        settings   those of the detector by name, such as {"delta": 0.01}

    Errors    a detector or a setting that there is not
    Example
        >>> pt.monitor.DetectorRule("errors", "ddm", settings={"drift_threshold": 4.0}).of
        'error'
    """

    name: str
    detector: str
    of: str = ERROR
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.made()

    def made(self) -> Detector:
        """A new detector of this rule."""
        return make_detector(self.detector, self.settings, f"rule {self.name}")


def demand_names(rules: Sequence[Rule | DetectorRule]) -> None:
    """Refuse two rules of one name: an alarm is known by it."""
    names = [rule.name for rule in rules]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise MonitorError(f"[rules] two are called {min(doubled)!r}; expected a name for each; rename one")


@dataclass
class _Watched:
    rule: DetectorRule
    detector: Detector
    quiet: int = 0  # values since the last drift
    on: bool = False


class StreamAlarms:
    """The detectors of a monitor, and which of their alarms are on.

    numbers    names of the inputs that are numbers
    classes    whether the error of an example is 0 or 1
    """

    def __init__(self, rules: Sequence[DetectorRule], numbers: Iterable[str], *, classes: bool, window: int) -> None:
        self._watched = [_Watched(rule, rule.made()) for rule in rules]
        self._window = window
        known = [ERROR, *numbers]
        for one in self._watched:
            where = f"rule {one.rule.name}"
            if one.rule.of not in known:
                raise MonitorError(
                    f"[{where}] received of = {one.rule.of!r}; expected {ERROR!r} or an input that is a number"
                    f"{suggestion(one.rule.of, known)}; correct it"
                )
            if one.detector.BINARY and not (one.rule.of == ERROR and classes):
                raise MonitorError(
                    f"[{where}] {one.rule.detector} of {one.rule.of!r}; expected the error of a model of classes, "
                    "since it takes 0 and 1 alone; use adwin or page-hinkley"
                )

    @property
    def on(self) -> dict[str, bool]:
        return {one.rule.name: one.on for one in self._watched}

    def numbers(self, columns: Mapping[str, Any]) -> dict[str, Floats]:
        """Those inputs of a batch that a rule watches, as numbers; checked before anything is changed."""
        found = {}
        for name in {one.rule.of for one in self._watched if one.rule.of in columns}:
            try:
                found[name] = np.asarray(columns[name], dtype=np.float64)
            except (TypeError, ValueError):
                raise MonitorError(
                    f"[observe] {name} has texts; expected numbers, which a detector watches; convert them"
                ) from None
        return found

    def see_inputs(self, numbers: Mapping[str, Floats], examples: int) -> list[Event]:
        """Take in inputs of a batch, before which there were so many examples."""
        watched = [one for one in self._watched if one.rule.of in numbers and one.rule.of != ERROR]
        found = [event for one in watched for event in self._see(one, numbers[one.rule.of], examples)]
        return sorted(found, key=lambda event: event.examples)

    def see_errors(self, errors: Floats, examples: int) -> list[Event]:
        """Take in the errors of examples whose labels have come, before which there were so many."""
        found = [event for one in self._watched if one.rule.of == ERROR for event in self._see(one, errors, examples)]
        return sorted(found, key=lambda event: event.examples)

    def _see(self, one: _Watched, values: Floats, examples: int) -> list[Event]:
        events: list[Event] = []
        for at, value in enumerate(values.tolist()):
            if not np.isfinite(value):  # a gap, which the share of missing values counts
                continue
            if one.detector.update(value) == "drift":
                one.quiet = 0
                turned, one.on = not one.on, True
            else:
                one.quiet += 1
                turned = one.on and one.quiet >= self._window
                one.on = one.on and not turned
            if turned:
                events.append(Event(one.rule.name, one.on, one.detector.estimate, (one.rule.of,), examples + at + 1))
        return events
