"""Rules: when what a window says becomes an alarm, and when the alarm ends. rule_files.py reads them from TOML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from powertrain.monitor.comparison import Row
from powertrain.monitor.errors import MonitorError
from powertrain.plugin.wording import suggestion

# What a rule may watch: a number of each row, or how many rows have a problem.
OF_ROWS = ("psi", "jensen_shannon", "wasserstein", "statistic", "p", "missing", "outside", "unseen", "now")
COUNTED = ("drift", "missing", "outside", "unseen", "worse")
WATCHES = (*OF_ROWS, *(f"count.{problem}" for problem in COUNTED), "share.drift")


@dataclass(frozen=True)
class Rule:
    """An alarm is raised where `watch` is above `above` (or below `below`), and ends where it is so no more.

        watch         psi, jensen_shannon, wasserstein, statistic, p, missing, outside, unseen or now: the largest (with
                      `below` the smallest) of the rows; count.drift, count.missing, ...: how many rows have the
                      problem; share.drift: their share
        feature       which rows, such as "age" or "price*"
        clear         the value at which the alarm ends, if it is not the one at which it begins
        min_samples   examples that a row must have
        raise_after   windows in a row that must be so before the alarm begins; `clear_after` those before it ends

    Example
        >>> pt.monitor.Rule("ages", "psi", feature="age", above=0.25, clear=0.1).min_samples
        200
    """

    name: str
    watch: str
    feature: str = "*"
    above: float | None = None
    below: float | None = None
    clear: float | None = None
    min_samples: int = 200
    raise_after: int = 1
    clear_after: int = 2

    def __post_init__(self) -> None:
        if self.watch not in WATCHES:
            raise self._wrong(
                f"watch = {self.watch!r}", f"one of {', '.join(WATCHES)}{suggestion(self.watch, WATCHES)}"
            )
        if (self.above is None) == (self.below is None):
            raise self._wrong(f"above = {self.above} and below = {self.below}", "one of them")
        if min(self.min_samples, self.raise_after, self.clear_after) < 1:
            raise self._wrong("a count below 1", "min_samples, raise_after and clear_after of at least 1")
        limit = self._limit
        if self.clear is not None and (self.clear > limit if self.above is not None else self.clear < limit):
            side = "at most" if self.above is not None else "at least"
            raise self._wrong(f"clear = {self.clear}", f"{side} {limit}, where the alarm is not raised")

    def _wrong(self, received: str, expected: str) -> MonitorError:
        return MonitorError(f"[rule {self.name}] received {received}; expected {expected}; correct the rule")

    @property
    def _limit(self) -> float:
        return self.above if self.above is not None else self.below  # type: ignore[return-value]

    def value(self, rows: Sequence[Row]) -> tuple[float, list[str]] | None:
        """What it watches, and the features that it is about; None where no row has enough examples."""
        seen = [row for row in rows if fnmatchcase(row.name, self.feature) and row.examples >= self.min_samples]
        if not seen:
            return None
        kind, _, problem = self.watch.rpartition(".")
        if kind:
            named = [row.name for row in seen if problem in row.problems]
            return (len(named) / len(seen) if kind == "share" else float(len(named))), named
        known = [(getattr(row, self.watch), row.name) for row in seen]
        known = [(value, name) for value, name in known if value == value]
        if not known:
            return None
        value, _ = max(known) if self.above is not None else min(known)
        return value, [name for one, name in known if self.beyond(one)]

    def beyond(self, value: float, *, on: bool = False) -> bool:
        """Whether a value begins the alarm, or keeps up one that is on."""
        limit = self.clear if on and self.clear is not None else self._limit
        return value > limit if self.above is not None else value < limit


USUAL = (
    Rule("drift", "count.drift", above=0),
    Rule("missing values", "count.missing", above=0),
    Rule("out of range", "count.outside", above=0),
    Rule("unseen values", "count.unseen", above=0),
    Rule("performance", "count.worse", above=0, min_samples=50),
)


@dataclass(frozen=True)
class Event:
    """An alarm that has begun (`on`) or ended.

    Example
        >>> pt.monitor.Event("drift", True, 2.0, ("age", "income"), 1000).text()
        'alarm drift: 2 (age, income) after 1,000 examples'
    """

    rule: str
    on: bool
    value: float
    features: tuple[str, ...]
    examples: int  # that were observed until then

    def text(self) -> str:
        """The event in words."""
        named = f" ({', '.join(self.features[:5])}{', ...' if len(self.features) > 5 else ''})" if self.features else ""
        return (
            f"{'alarm' if self.on else 'over '} {self.rule}: {self.value:.4g}{named} after {self.examples:,} examples"
        )


class Alarms:
    """Which rules are on, with the windows that they have waited."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.on = {rule.name: False for rule in self.rules}
        self._waited = dict.fromkeys(self.on, 0)

    def see(self, rows: Sequence[Row], examples: int) -> list[Event]:
        """Take a window in; the alarms that it begins and ends."""
        events = []
        for rule in self.rules:
            found = rule.value(rows)
            if found is None:
                continue
            value, features = found
            on = self.on[rule.name]
            turns = rule.beyond(value, on=on) != on
            self._waited[rule.name] = self._waited[rule.name] + 1 if turns else 0
            if turns and self._waited[rule.name] >= (rule.clear_after if on else rule.raise_after):
                self.on[rule.name], self._waited[rule.name] = not on, 0
                events.append(Event(rule.name, not on, value, tuple(features), examples))
        return events
