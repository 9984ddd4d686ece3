"""`powertrain monitor`: traffic beside the profile of a run, as a table, a page and alarms."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.io.console import one_line, say
from powertrain.io.files import Files
from powertrain.io.plain_json import dumps
from powertrain.models.folders import MONITOR_PAGE
from powertrain.monitor.alarms import Webhook, prometheus, to_log
from powertrain.monitor.comparison import largest
from powertrain.monitor.features import NumberFeature
from powertrain.monitor.feedback import Feedback
from powertrain.monitor.monitor import PANES, WINDOW, Monitor
from powertrain.monitor.profile import Profile
from powertrain.monitor.rule_files import read_rules
from powertrain.monitor.rules import USUAL, Event, Rule
from powertrain.monitor.stream_rules import DetectorRule
from powertrain.train.evaluate.reference import read_profile
from powertrain.train.folder.run_folder import RunError
from powertrain.train.monitoring.traffic import Names, labels_of, traffic

if TYPE_CHECKING:
    from powertrain.train.trained_run import TrainedRun

SHOWN = 20  # rows of the table


@dataclass(frozen=True)
class Settings:
    """What the command was given."""

    window: int = WINDOW
    rules: Path | None = None
    webhook: str | None = None
    out: Path | None = None
    metrics: Path | None = None
    labels: Path | None = None
    names: Names = field(default_factory=Names)
    as_json: bool = False


def watch(trained: TrainedRun, given: str | None, settings: Settings) -> bool:
    """Compare traffic with the run's profile; whether an alarm was raised. Without traffic, print the profile, and
    compare the labels that came to a server of the run."""
    profile = read_profile(trained.run.folder.files)
    rules: Sequence[Rule | DetectorRule] = USUAL if settings.rules is None else read_rules(settings.rules)
    events: list[Event] = []
    with _hook(settings.webhook, str(trained.folder)) as hooks:
        monitor = Monitor(profile, window=settings.window, rules=rules, on_alarm=[to_log, events.append, *hooks])
        if given is None:
            later = _recall(trained, monitor)
            _print_profile(profile, settings.as_json, later, monitor, events)
            return any(event.on for event in events)
        _observe(trained, monitor, given, settings)
    if not monitor.rows:
        raise RunError(f"[monitor {one_line(given)}] it has no examples; expected some; check the file")
    page = _write_page(trained, monitor, events, settings)
    if settings.metrics is not None:
        text = prometheus(monitor.state(), run=trained.folder.name)
        Files(settings.metrics.parent).replace(settings.metrics.name, text.encode())
    if settings.as_json:
        alarms = [{"text": event.text(), **vars(event)} for event in events]
        say(dumps({**monitor.state(), "events": alarms, "page": str(page)}))
    else:
        _print(monitor, events, page)
    return any(event.on for event in events)


@contextlib.contextmanager
def _hook(url: str | None, source: str) -> Iterator[list[Webhook]]:
    if url is None:
        yield []
        return
    hook = Webhook(url, source=source)
    yield [hook]
    if not hook.close():
        say(f"webhook: {hook.sent} sent, {hook.failed} failed, {hook.dropped} dropped")


def _observe(trained: TrainedRun, monitor: Monitor, given: str, settings: Settings) -> None:
    rows = max(settings.window // PANES, 1)
    late = settings.labels is not None
    for at, some in enumerate(traffic(trained.run, given, rows, settings.names)):
        ids = some.ids
        if ids is None and some.labels is not None:
            ids = [(at, row) for row in range(len(some.x))]
        # An id without a label would wait for nothing.
        monitor.observe(some.inputs, some.outputs, ids=ids if late or some.labels is not None else None)
        if some.labels is not None and ids is not None and not late:
            monitor.label(ids, some.labels)
    if settings.labels is not None:
        for ids, truth in labels_of(trained.run, str(settings.labels), rows, settings.names):
            monitor.label(ids, truth)
    monitor.finish()


def _recall(trained: TrainedRun, monitor: Monitor) -> int:
    """Take in the labels that came to a server of the run, and count them."""
    kept, count = Feedback(trained.folder, classes=monitor.profile.labels is not None).pairs(), 0
    while some := list(islice(kept, max(monitor.window // PANES, 1))):
        count += len(some)
        monitor.recall(some)
    monitor.finish()
    return count


def _write_page(trained: TrainedRun, monitor: Monitor, events: Sequence[Event], settings: Settings) -> Path:
    from powertrain.train.report.drift_page import drift_page

    path = settings.out or trained.folder / MONITOR_PAGE
    Files(path.parent).replace(path.name, drift_page(trained.folder.name, monitor, events).encode())
    return path


def _print(monitor: Monitor, events: Sequence[Event], page: Path) -> None:
    rows = largest(monitor.rows)
    width = max(len("feature"), *(len(one_line(row.name)) for row in rows[:SHOWN]))
    say(f"  {'feature':<{width}}  test        statistic        p    PSI  missing  outside  unseen  problems")
    for row in rows[:SHOWN]:
        index = "" if row.psi != row.psi else f"{row.psi:.3f}"
        shares = f"{row.missing:>8.1%} {row.outside:>8.1%} {row.unseen:>7.1%}"
        if row.kind == "performance":
            index, shares = "", f"  {row.before:.4g} -> {row.now:.4g}".ljust(25)
        say(
            f"  {one_line(row.name):<{width}}  {row.test:<10} {row.statistic:>10.4g} {row.p:>8.2g} {index:>6} {shares}"
            f"  {', '.join(row.problems)}".rstrip()
        )
    if len(rows) > SHOWN:
        say(f"  and {len(rows) - SHOWN} more")
    for event in events:
        say(event.text())
    state = monitor.state()
    on = [rule for rule, is_on in state["alarms"].items() if is_on]
    seen = f"{state['examples']:,} examples, the last {state['window']:,} compared"
    say(f"monitor {seen} · {'alarms: ' + ', '.join(on) if on else 'no alarm is on'}")
    say(f"page    {page}")


def _print_profile(profile: Profile, as_json: bool, later: int, monitor: Monitor, events: Sequence[Event]) -> None:
    """The profile, and how well the model does by so many labels that came later."""
    if as_json:
        alarms = [{"text": event.text(), **vars(event)} for event in events]
        said = {"feedback": {"labels": later, "features": monitor.state()["features"], "events": alarms}}
        say(dumps({**json.loads(profile.to_json()), **(said if later else {})}))
        return
    for kind, features in (("input", profile.columns or profile.inputs), ("output", profile.outputs)):
        for one in features:
            about: Any
            if isinstance(one, NumberFeature):
                about = f"mean {one.mean:.4g}, deviation {one.deviation:.4g}"
                if one.edges:
                    about += f", from {one.edges[0]:.4g} to {one.edges[-1]:.4g}, median {one.quantile(0.5):.4g}"
            else:
                about = f"{len(one.levels)} categories: {one_line(', '.join(one.levels[:5]))}"
            missing = one.reference.missing / max(one.reference.examples, 1)
            say(f"{kind:<6} {one_line(one.name):<24} {about}, {missing:.1%} missing of {one.reference.examples:,}")
    if profile.scores is not None:
        known = profile.scores
        say(f"score  {known.measure} {known.mean:.4g} on {known.examples:,} held-out examples")
    if later:
        row = next((row for row in monitor.rows if row.kind == "performance"), None)
        now = "" if row is None else f": {row.name} {row.now:.4g} on the last {row.examples:,}, p {row.p:.2g}"
        worse = "" if row is None or not row.problems else ", worse"
        say(f"later  {later:,} labels came to a server{now}{worse}")
        for event in events:
            say(event.text())
