"""The monitor: takes in what a model is asked and answers, a window at a time, and compares it with the profile."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.arguments import shown
from powertrain.monitor import columns, labels
from powertrain.monitor.comparison import Limits, Row, compare, summary
from powertrain.monitor.errors import MonitorError
from powertrain.monitor.features import CategoryFeature, Counts, Feature, NumberColumns, NumberFeature
from powertrain.monitor.history import History
from powertrain.monitor.profile import Moments, Profile, Scores
from powertrain.monitor.rules import USUAL, Alarms, Event, Rule
from powertrain.monitor.stream_rules import DetectorRule, StreamAlarms, demand_names

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Floats = NDArray[np.float64]
WINDOW = 1000
PANES = 4  # into which a window is cut; with each full one it moves on
_GROUPS = {"inputs": "input", "columns": "input", "outputs": "output"}


@dataclass
class _Pane:
    """The counts of some examples in a row."""

    counts: dict[tuple[str, str], Counts]
    examples: int
    sums: tuple[int, Floats, Floats] | None = None  # of representations: how many, their sum, that of their products


@dataclass
class _Filling:
    """Examples since the last pane: of each group its numbers [features, examples], and each column of texts."""

    numbers: dict[str, list[Floats]] = field(default_factory=dict)
    texts: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    representations: list[Floats] = field(default_factory=list)
    examples: int = 0


class Monitor:
    """Watches a model: what comes in, what goes out, and, where labels arrive later, how well it does.

        profile    the reference: `Profile.of(...)`, or `pt.load(run).profile`
        window     examples that are compared with the reference at a time; it moves on by a quarter of itself
        limits     from where on a difference counts as one
        rules      when it becomes an alarm; `pt.monitor.USUAL` where they are not given. A `DetectorRule` looks at
                   every example, not at windows
        on_alarm   functions that get each event, such as `Webhook(url)`
        on_labels  a function that gets predictions with the labels that came for them, such as one that keeps them
        every      seconds between two comparisons at least: where windows move on faster than that, some are passed
                   over, and `catch_up` compares the last one

    Its memory does not grow with the examples. One lock guards it, so any thread may call it; `on_alarm` functions run
    in the thread that filled the window, outside of the lock.

    Example
        >>> x = np.random.default_rng(0).permutation(1000.0 * np.arange(1000))
        >>> monitor = pt.monitor.Monitor(pt.monitor.Profile.of(x), window=400)
        >>> monitor.observe(x[:400])
        []
        >>> [event.rule for event in monitor.observe(x[:400] + 500_000)]
        ['drift', 'out of range']
    """

    def __init__(
        self,
        profile: Profile,
        *,
        window: int = WINDOW,
        limits: Limits | None = None,
        rules: Sequence[Rule | DetectorRule] = USUAL,
        on_alarm: Callable[[Event], object] | Iterable[Callable[[Event], object]] = (),
        on_labels: Callable[[list[tuple[Any, Any]]], object] | None = None,
        most_waiting: int = labels.MOST_WAITING,
        every: float = 0.0,
    ) -> None:
        if type(window) is not int or window < PANES:
            raise MonitorError(
                f"[Monitor] received window={window!r}; expected a whole number of at least {PANES}; {WINDOW} is usual"
            )
        self.profile = profile
        self.window = window
        self.limits = limits or Limits()
        demand_names(rules)
        self.alarms = Alarms([rule for rule in rules if isinstance(rule, Rule)])
        numbers = [one.name for one in (*profile.inputs, *profile.columns) if isinstance(one, NumberFeature)]
        by_example = [rule for rule in rules if isinstance(rule, DetectorRule)]
        self.streams = StreamAlarms(by_example, numbers, classes=profile.labels is not None, window=window)
        self.on_labels = on_labels
        self.on_alarm = (on_alarm,) if callable(on_alarm) else tuple(on_alarm)
        self.rows: list[Row] = []  # of the last window
        self.examples = 0
        self.labelled = 0
        self.unknown = 0  # labels whose id does not wait
        self.waiting = labels.Waiting(most_waiting)
        self._features: dict[tuple[str, str], Feature] = {
            (group, one.name): one for group in _GROUPS for one in getattr(profile, group)
        }
        self.history = History(name for _, name in self._features)
        self._numbers: dict[str, list[NumberFeature]] = {}
        self._texts: dict[str, list[CategoryFeature]] = {}
        for group in _GROUPS:
            features = getattr(profile, group)
            self._numbers[group] = [one for one in features if isinstance(one, NumberFeature)]
            self._texts[group] = [one for one in features if isinstance(one, CategoryFeature)]
        self._columns = {group: NumberColumns(features) for group, features in self._numbers.items()}
        made = columns.statistics("x")
        self._names = [one.name for one in profile.inputs if one.name not in made]
        self._step = window // PANES
        self._panes: deque[_Pane] = deque(maxlen=PANES)
        self._filling = _Filling()
        self._scores: deque[float] = deque(maxlen=window)
        self._labels_since = 0  # the last comparison
        self.every, self.behind, self._next = every, False, 0.0  # behind: a window waits until then, by time.monotonic
        self._lock = threading.Lock()

    def observe(
        self,
        inputs: TensorLike | Mapping[str, Any] | None = None,
        outputs: TensorLike | None = None,
        *,
        ids: Sequence[Hashable] | None = None,
    ) -> list[Event]:
        """Take in a batch: inputs as `predict` takes them or columns of a table by name, and the model's outputs. With
        `ids` the outputs wait for their labels. Returns the alarms that begin or end by it.

        Errors    inputs of another shape or with other columns than those of the profile
        """
        parts, count = self._parts(inputs, outputs)
        if ids is not None and (outputs is None or len(ids) != count):
            raise MonitorError(
                f"[observe] received {len(ids)} ids for {count} examples{' without outputs' * (outputs is None)}; "
                "expected an id for each output; pass both"
            )
        rows = None if outputs is None else columns.representation(outputs)
        watched = self.streams.numbers({**parts.get("inputs", {}), **parts.get("columns", {})})
        numbers = {
            group: np.array([part[one.name] for one in features], dtype=np.float64)
            for group, part in parts.items()
            if (features := self._numbers[group])
        }
        events: list[Event] = []
        with self._lock:
            if ids is not None:
                self.waiting.add(ids, labels.predictions(outputs, self.profile.labels, self.profile.threshold))
            events += self.streams.see_inputs(watched, self.examples)
            at = 0
            while at < count:
                end = min(count, at + self._step - self._filling.examples)
                self._fill(numbers, parts, rows, at, end)
                at = end
                if self._filling.examples == self._step:
                    events += self._turn()
        return self._told(events)

    def label(self, ids: Sequence[Hashable], truth: Sequence[Any]) -> list[Event]:
        """Take in labels of examples that were observed before with the same ids: names or numbers of classes, or the
        numbers that were to be predicted."""
        if len(ids) != len(truth):
            raise MonitorError(
                f"[label] received {len(ids)} ids and {len(truth)} labels; expected a label for each id; pass both"
            )
        known = self.profile.labels
        names = labels.numbers(truth) if known is None else [labels.class_name(one, known) for one in truth]
        with self._lock:
            if known is None:
                self.waiting.demand_sizes(ids, names)
            pairs, unknown = self.waiting.join(ids, names)
            self.unknown += unknown
            events = self._score(pairs)
            self.labelled += len(pairs)
        if pairs and self.on_labels is not None:
            self.on_labels(pairs)
        return self._told(events)

    def forget(self, ids: Iterable[Hashable]) -> None:
        """Wait no more for labels of these examples: they count as dropped. Ids that do not wait are passed over."""
        with self._lock:
            self.waiting.drop(ids)

    def recall(self, pairs: Sequence[tuple[Any, Any]]) -> list[Event]:
        """Take in predictions with their labels that were joined before: those that `on_labels` of a monitor before
        this one was given. They count for how well the model does, not in `labelled`."""
        with self._lock:
            events = self._score(pairs)
        return self._told(events)

    def _score(self, pairs: Sequence[tuple[Any, Any]]) -> list[Event]:
        events: list[Event] = []
        known = self.profile.labels
        if pairs:
            scores = labels.scored(pairs, known is not None)
            self._scores.extend(scores.tolist())
            events += self.streams.see_errors(scores if known is None else 1 - scores, self.labelled)
        self._labels_since += len(pairs)
        if self._labels_since >= self._step:
            events += self._compared()
        return events

    def finish(self) -> list[Event]:
        """Compare what is left of a stream that has ended, where it is more than half of a step."""
        with self._lock:
            self._next = 0.0
            due = self._filling.examples > self._step // 2 or (self._filling.examples and not self._panes)
            events = self._turn() if due else self._caught_up()
            events += self._compared() if self._labels_since else []
        return self._told(events)

    def state(self) -> dict[str, Any]:
        """What the monitor knows now, as plain numbers and texts: for metrics and for JSON."""
        with self._lock:
            numbers = ("psi", "p", "statistic", "missing", "outside", "unseen", "before", "now")
            return {
                "examples": self.examples,
                "window": sum(pane.examples for pane in self._panes),
                "labelled": self.labelled,
                "waiting": len(self.waiting),
                "dropped": self.waiting.dropped,
                "alarms": {**self.alarms.on, **self.streams.on},
                "problems": dict(summary(self.rows)),
                "features": {
                    row.name: {
                        "kind": row.kind, "problems": list(row.problems),
                        **{name: value for name in numbers if (value := getattr(row, name)) == value},
                    }
                    for row in self.rows
                },
            }  # fmt: skip

    def counts(self) -> list[tuple[str, Feature, Counts]]:
        """The kind of each feature that was seen, the feature, and its counts in the window."""
        with self._lock:
            return self._pairs()

    def _parts(
        self, inputs: TensorLike | Mapping[str, Any] | None, outputs: TensorLike | None
    ) -> tuple[dict[str, dict[str, Any]], int]:
        """The columns of a batch by group, checked before anything is changed."""
        found: dict[str, dict[str, Any]] = {}
        if isinstance(inputs, Mapping):
            found["columns"] = {name: np.asarray(values) for name, values in inputs.items()}
        elif inputs is not None:
            x = np.asarray(inputs)
            if x.ndim == 0 or x.dtype.kind not in "fiub":
                raise MonitorError(
                    f"[observe] received {shown(inputs)}; expected numbers [examples, ...], or columns of a table by "
                    "name; pass what predict takes"
                )
            found["inputs"] = columns.of_inputs(x, self._names)
        if outputs is not None and self.profile.outputs:
            out = np.asarray(outputs)
            known = self.profile.labels
            if known is not None and (out.ndim != 2 or out.shape[1] != len(known)):
                raise MonitorError(
                    f"[observe] received outputs {list(out.shape)}; expected [examples, {len(known)}], a number for "
                    "each class; pass what predict gives"
                )
            found["outputs"] = columns.of_outputs(out, known, self.profile.threshold)
        for group, part in found.items():
            wanted = {name for one, name in self._features if one == group}
            if lacking := sorted(wanted - set(part)):
                raise MonitorError(
                    f"[observe] the {group} lack {', '.join(lacking[:3])}; expected {len(wanted)} as in the profile; "
                    "pass what predict takes"
                )
            found[group] = {name: values for name, values in part.items() if name in wanted}
        lengths = {len(values) for part in found.values() for values in part.values()}
        if outputs is not None:
            lengths.add(len(np.asarray(outputs)))
        if len(lengths) > 1:
            raise MonitorError(
                f"[observe] received columns of {sorted(lengths)} examples; expected one length; pass whole batches"
            )
        return found, lengths.pop() if lengths else 0

    def _fill(
        self, numbers: Mapping[str, Floats], parts: Mapping[str, Mapping[str, Any]], rows: Any, at: int, end: int
    ) -> None:
        for group, block in numbers.items():
            self._filling.numbers.setdefault(group, []).append(block[:, at:end].copy())
        for group, part in parts.items():
            for one in self._texts[group]:
                self._filling.texts.setdefault((group, one.name), []).append(np.array(part[one.name][at:end]))
        if rows is not None:
            self._filling.representations.append(rows[at:end].copy())
        self._filling.examples += end - at
        self.examples += end - at

    def _turn(self) -> list[Event]:
        """Close a pane, move the window on and compare it."""
        filled, self._filling = self._filling, _Filling()
        counts: dict[tuple[str, str], Counts] = {}
        for group, blocks in filled.numbers.items():
            found = self._columns[group].count(np.concatenate(blocks, axis=1))
            counts.update({(group, one.name): seen for one, seen in zip(self._numbers[group], found, strict=True)})
        for key, pieces in filled.texts.items():
            counts[key] = self._features[key].count(np.concatenate(pieces).tolist())
        sums = None
        if filled.representations and self.profile.representation is not None:
            rows = np.concatenate(filled.representations)
            sums = (len(rows), rows.sum(axis=0), rows.T @ rows)
        self._panes.append(_Pane(counts, filled.examples, sums))
        self.behind = True
        return self._caught_up()

    def catch_up(self) -> list[Event]:
        """Compare the last window, where `every` has put that off and its time has come."""
        with self._lock:
            events = self._caught_up()
        return self._told(events)

    def _caught_up(self) -> list[Event]:
        now = time.monotonic()
        if not self.behind or now < self._next:
            return []
        self.behind, self._next = False, now + self.every
        events = self._compared()
        self.history.add(self.examples, self.rows)
        return events

    def _pairs(self) -> list[tuple[str, Feature, Counts]]:
        pairs = []
        for (group, name), feature in self._features.items():
            seen = [pane.counts[group, name] for pane in self._panes if (group, name) in pane.counts]
            if seen:
                pairs.append((_GROUPS[group], feature, sum(seen[1:], seen[0])))
        return pairs

    def _compared(self) -> list[Event]:
        self._labels_since = 0
        representation = scores = None
        summed = [pane.sums for pane in self._panes if pane.sums is not None]
        if summed and self.profile.representation is not None:
            count = sum(one[0] for one in summed)
            mean = np.sum([one[1] for one in summed], axis=0) / count
            products = np.sum([one[2] for one in summed], axis=0)
            covariance = (products - count * np.outer(mean, mean)) / max(count - 1, 1)
            if len(mean) == len(self.profile.representation.mean):
                representation = (self.profile.representation, Moments(mean, covariance, count))
        if self._scores and self.profile.scores is not None:
            scores = (self.profile.scores, Scores.of(self.profile.scores.measure, list(self._scores)))
        self.rows = compare(self._pairs(), self.limits, representation, scores)
        return self.alarms.see(self.rows, self.examples)

    def _told(self, events: list[Event]) -> list[Event]:
        for event in events:
            for tell in self.on_alarm:
                tell(event)
        return events
