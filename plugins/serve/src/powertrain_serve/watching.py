"""Watches served models: what they are asked beside what they were trained on, and labels that come later.

A request pays for a place in a queue, no more. A thread takes what has gathered, some times a second, and gives it to
the monitor of each model, piece by piece. Requests wait for Python's lock while it works on a piece, so it rests after
each. It has the usual priority: with a lower one it could be stopped while it holds the lock. Where it cannot keep up,
further examples are skipped and counted. The queue, the windows and the predictions that wait for their label are
bounded.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.monitor import Event, Feedback, Monitor, Webhook
from powertrain_serve.answers import Answers
from powertrain_serve.errors import RefusedError
from powertrain_serve.logs import log, quietly
from powertrain_serve.metrics import Metrics
from powertrain_serve.model import Model
from powertrain_serve.settings import Watched

GATHER = 0.2  # seconds in which examples gather, so that each is cheap
COMPARE = 1.0  # seconds between two comparisons of a model, each of which may take some hundredths
PIECE = 256  # examples that are observed at once: of more a request notices, and fewer cost more each
REST = 4  # times as long as it worked, the thread rests after a piece,
MOST_REST = 0.02  # but no longer than so many seconds
MOST_HELD = 32 << 20  # bytes of examples in the queue
MOST_WAITING = 50_000  # examples of a model that wait for labels
MOST_ASKED = 20_000  # requests of all models of which something may become known
MOST_LABEL = 256  # letters
EVENTS = 100  # alarms of a model that its page shows


@dataclass
class Seen:
    """The examples of a request, with their answers."""

    model: Model
    id: str
    examples: Any
    columns: Mapping[str, list[Any]] | None
    answers: Answers


@dataclass
class Labels:
    model: Model
    ids: list[tuple[str, int]]
    truth: list[Any]


@dataclass
class One:
    """The monitor of a model."""

    monitor: Monitor
    hook: Webhook | None
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS))


class Watch:
    """The monitors of all models that have a profile, and the thread that feeds them."""

    def __init__(self, wanted: Watched | None, metrics: Metrics) -> None:
        self.wanted, self.metrics = wanted, metrics
        self._of: dict[Model, One] = {}
        self._asked: OrderedDict[str, tuple[weakref.ref[Model], int]] = OrderedDict()  # with their examples
        self._waiting: deque[Seen | Labels] = deque()
        self._held = 0
        # Requests that were forgotten: their examples need not wait for labels any longer.
        self._forgotten: deque[tuple[str, weakref.ref[Model], int]] = deque(maxlen=MOST_WAITING)
        self._failed: set[Model] = set()  # whose fault stands in the log
        self._unkept: set[Model] = set()  # and whose labels could not be written
        self._changed = threading.Condition()
        self._closed = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="powertrain-serve-monitor", daemon=True)
        self._thread.start()

    def keep(self, models: Iterable[Model]) -> None:
        """Watch these models; those of them that are watched already go on."""
        wanted = [one for one in models if self.wanted is not None and one.profile is not None]
        for model in set(self._of) - set(wanted):
            gone = self._of.pop(model)
            self._failed.discard(model)
            self._unkept.discard(model)
            if gone.hook is not None:
                gone.hook.close()
        for model in wanted:
            if model not in self._of:
                self._of[model] = self._made(model)

    def _made(self, model: Model) -> One:
        assert self.wanted is not None
        source = f"{model.name} {model.version}"
        hook = None if self.wanted.webhook is None else Webhook(self.wanted.webhook, source=source)
        events: deque[Event] = deque(maxlen=EVENTS)
        tell: list[Callable[[Event], object]] = [partial(_to_log, model), events.append]
        tell += [] if hook is None else [hook]
        feedback = Feedback(model.run.folder, classes=model.profile.labels is not None)
        monitor = Monitor(
            model.profile, window=self.wanted.window, rules=self.wanted.rules, on_alarm=tell,
            on_labels=partial(self._keep_labels, model, feedback), most_waiting=MOST_WAITING, every=COMPARE,
        )  # fmt: skip
        self._carefully(model, _recall, monitor, feedback)
        return One(monitor, hook, events)

    # ------------------------------------------------------------ in the way of a request

    def see(self, model: Model, id: str, given: Any, answers: Answers, body: int) -> None:
        """Take in a request that was answered. `given` has its examples, and columns where they came as such; `body`
        are its bytes."""
        self.see_all([(model, id, given, answers, body)])

    def see_all(self, answered: Iterable[tuple[Model, str, Any, Answers, int]]) -> None:
        """The same for several requests, in order: the thread is told once."""
        skipped: list[tuple[Model, int]] = []
        with self._changed:
            for model, id, given, answers, body in answered:
                rows = len(given.examples)
                if model in self._of:
                    # An object of Python takes some times the bytes of its text.
                    size = given.examples.nbytes + 8 * body
                    if self._held + size > MOST_HELD:
                        skipped.append((model, rows))
                        continue
                    self._held += size
                    self._waiting.append(Seen(model, id, given.examples, given.columns, answers))
                self._note(model, id, rows)
            self._changed.notify()
        for model, rows in skipped:
            self.metrics.skipped(model, rows)

    def note(self, model: Model, id: str, rows: int = 0) -> None:
        """Remember who answered a request, for what becomes known of it later."""
        with self._changed:
            self._note(model, id, rows)

    def _note(self, model: Model, id: str, rows: int) -> None:
        self._asked.pop(id, None)
        self._asked[id] = (weakref.ref(model), rows)
        while len(self._asked) > MOST_ASKED:
            old, (answered, examples) = self._asked.popitem(last=False)
            self._forgotten.append((old, answered, examples))

    def feedback(self, id: str, labels: Sequence[Any] | None, rating: float | None) -> Model:
        """Note what became known of a request later; the model that answered it."""
        with self._changed:
            known, rows = self._asked.get(id, (None, 0))
            model = None if known is None else known()
            if model is None:
                raise RefusedError(
                    404, f"no request {id[:80]!r} is waiting for labels; expected the X-Request-Id of a recent answer"
                )
            if labels is not None:
                truth = self._truth(model, labels, rows)
                self._waiting.append(Labels(model, [(id, row) for row in range(rows)], truth))
                self._changed.notify()
                del self._asked[id]
        if labels is not None:
            self.metrics.labelled(model, len(labels))
        if rating is not None:
            self.metrics.rated(model, rating)
        return model

    def _truth(self, model: Model, labels: Sequence[Any], rows: int) -> list[Any]:
        """Labels, checked: names or numbers of classes, or as many numbers as the model gives."""
        if model not in self._of and self.wanted is not None and model.profile is not None:
            raise RefusedError(
                404, f"{model.name} {model.version}, which was replaced; expected one that is served; see /models"
            )
        if model not in self._of:
            raise RefusedError(400, f"labels for {model.name}, which is not monitored; expected a rating; send that")
        if len(labels) != rows:
            raise RefusedError(400, f"{len(labels)} labels for {rows} examples; expected one each; send all of them")
        return [_number(one, model) if model.profile.labels is None else _class(one) for one in labels]

    # ------------------------------------------------------------ for those who look

    def states(self) -> list[tuple[Mapping[str, Any], Mapping[str, str]]]:
        """The state of each monitor, with the names of its model."""
        return [
            (one.monitor.state(), {"model": model.name, "version": model.version})
            for model, one in list(self._of.items())
        ]

    def one(self, model: Model) -> One | None:
        return self._of.get(model)

    # ------------------------------------------------------------ in its thread

    def close(self) -> None:
        """Take in what waits, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._ending.set()
        self._thread.join()
        for one in self._of.values():
            quietly(one.monitor.finish)
        self.keep([])

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if self._closed:
                        return
                    behind = any(one.monitor.behind for one in list(self._of.values()))
                    if not self._changed.wait(COMPARE if behind else None):
                        break
            self._ending.wait(GATHER)  # not for the condition: each request that comes would wake this thread
            with self._changed:
                taken, forgotten = list(self._waiting), list(self._forgotten)
                self._waiting.clear()
                self._forgotten.clear()
                self._held = 0
            for step in self._steps(taken, forgotten):
                began = time.perf_counter()
                quietly(step)
                self._rest(time.perf_counter() - began)
            del taken, step  # they hold models, which may be replaced while this waits

    def _rest(self, worked: float) -> None:
        """Let requests pass, unless what waits would soon be too much, or this is the end."""
        if not self._closed and self._held < MOST_HELD // 2:
            time.sleep(min(REST * worked, MOST_REST))

    def _steps(
        self, taken: Sequence[Seen | Labels], forgotten: Sequence[tuple[str, weakref.ref[Model], int]]
    ) -> Iterator[Callable[[], object]]:
        """What there is to do: give examples to their monitors, those of a model together; then the labels."""
        groups: dict[tuple[Model, bool], list[Seen]] = {}
        for one in taken:
            if isinstance(one, Seen):
                groups.setdefault((one.model, one.columns is not None), []).append(one)
        for (model, _), several in groups.items():
            for piece in _pieces(several):
                yield partial(self._carefully, model, self._observe, piece)
        for one in taken:
            if isinstance(one, Labels) and (found := self._of.get(one.model)) is not None:
                yield partial(self._carefully, one.model, found.monitor.label, one.ids, one.truth)
        yield partial(self._forget, forgotten)
        yield self._catch_up

    def _catch_up(self) -> None:
        for one in list(self._of.values()):
            one.monitor.catch_up()

    def _forget(self, requests: Sequence[tuple[str, weakref.ref[Model], int]]) -> None:
        """Drop predictions of requests that nobody can send labels for, once they have been observed."""
        examples: dict[Model, list[tuple[str, int]]] = {}
        with self._changed:  # a client may have used a name again
            gone = [one for one in requests if one[0] not in self._asked]
        for id, answered, rows in gone:
            if (model := answered()) is not None:
                examples.setdefault(model, []).extend((id, row) for row in range(rows))
        for model, ids in examples.items():
            if (found := self._of.get(model)) is not None:
                found.monitor.forget(ids)

    def _observe(self, several: Sequence[Seen]) -> None:
        found = self._of.get(several[0].model)
        if found is None:  # it was replaced meanwhile
            return
        outputs = np.concatenate([one.answers.outputs for one in several])
        ids = [(one.id, row) for one in several for row in range(len(one.examples))]
        found.monitor.observe(_inputs(several), outputs, ids=ids)

    def _keep_labels(self, model: Model, feedback: Feedback, pairs: Sequence[Any]) -> None:
        """Write labels beside the run, for a server after this one; where that cannot be done, the log says it once."""
        try:
            feedback.add(pairs)
        except (OSError, pt.Error) as error:
            if model not in self._unkept:
                self._unkept.add(model)
                log("feedback not kept", 30, model=model.name, version=model.version, error=type(error).__name__)

    def _carefully(self, model: Model, function: Any, *given: Any) -> None:
        """Call what may fail on strange data; of each model the first fault stands in the log."""
        try:
            function(*given)
        except Exception as error:
            if model not in self._failed:
                self._failed.add(model)
                log("monitor failed", 30, model=model.name, version=model.version, error=type(error).__name__)


def _recall(monitor: Monitor, feedback: Feedback) -> None:
    """Go on where a server before this one ended: with the labels of the last window."""
    monitor.recall(list(deque(feedback.pairs(), maxlen=monitor.window)))


def _pieces(several: Sequence[Seen]) -> Iterator[list[Seen]]:
    """Requests in order, about as many examples at a time as are observed at once."""
    piece: list[Seen] = []
    rows = 0
    for one in several:
        piece.append(one)
        rows += len(one.examples)
        if rows >= PIECE:
            yield piece
            piece, rows = [], 0
    if piece:
        yield piece


def _inputs(several: Sequence[Seen]) -> Any:
    """What a monitor observes: columns of a table as they came, else the examples."""
    if several[0].columns is None:
        return np.concatenate([one.examples for one in several])
    joined: dict[str, list[Any]] = {name: [] for name in several[0].columns}
    for one in several:
        for name, values in (one.columns or {}).items():
            joined[name] += [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return several[0].model.typed({name: _objects(values) for name, values in joined.items()})


def _objects(values: Sequence[Any]) -> Any:
    """An array of objects: of texts NumPy would give each as much room as the longest."""
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _class(label: Any) -> Any:
    if not isinstance(label, (str, int)) or isinstance(label, bool) or len(str(label)) > MOST_LABEL:
        raise RefusedError(400, f"the label {str(label)[:40]!r}; expected a class, by name or number; correct it")
    return label


def _number(label: Any, model: Model) -> Any:
    size = int(np.prod(model.output_shape or (1,)))
    values = label if isinstance(label, list) else [label]
    fits = all(isinstance(one, (int, float)) and not isinstance(one, bool) and abs(one) < 1e300 for one in values)
    if not fits or len(values) != size:
        raise RefusedError(400, f"the label {str(label)[:40]!r}; expected {size} finite numbers; correct it")
    return [float(one) for one in values]


def _to_log(model: Model, event: Event) -> None:
    log(
        "alarm" if event.on else "alarm over", 30 if event.on else 20, model=model.name, version=model.version,
        rule=event.rule, value=event.value, features=list(event.features[:20]), observed=event.examples,
    )  # fmt: skip
