"""Callbacks: they see an event after each commit and may ask for something. What they ask for is recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.arguments import shown
from powertrain.io.plain_number import plain_number
from powertrain.plugin.importing import in_words
from powertrain.plugin.learning import End, Evaluate, Event, Pause, Request, Save, SetScalar, Start, Stop
from powertrain.random.default import drawing_from
from powertrain.random.generator import Generator
from powertrain.random.settings import state_of
from powertrain.train.folder.run_folder import RunError
from powertrain.train.folder.saved_arrays import below

if TYPE_CHECKING:
    from powertrain.recipe import Use
    from powertrain.train.run.train_run import TrainRun

STOPPED, LONGEST_REASON = "callbacks.stopped", 1000  # its name in a checkpoint; bytes


class Callbacks:
    """The callbacks of a run, with what they remember: a group of slots of every checkpoint."""

    def __init__(self, uses: Sequence[Use]) -> None:
        self._ended = False
        self.stopped = ""  # why one of them ended the run, by its name; part of every later checkpoint
        self._named = [(use.name, use.plugin.build(use.params)) for use in uses]
        self._generator = Generator(0, name="random.callbacks")

    def __bool__(self) -> bool:
        return bool(self._named)

    def ask(self, event: Event) -> list[tuple[str, Request]]:
        """What each wants, by its name; before anything is done about it, so that their order does not matter."""
        wanted: list[tuple[str, Request]] = []
        for name, callback in self._named:
            try:
                with self._drawing(event.progress["steps"]):
                    answer = callback.after_commit(event)
            except Exception as error:
                raise RunError(
                    f"[callback {name}] it failed after step {event.progress['steps']:,}: {in_words(error)}; expected "
                    "a request or None; fix it, or leave it out of the recipe: the run can be resumed"
                ) from error
            requests = [] if answer is None else list(answer) if isinstance(answer, (list, tuple)) else [answer]
            for request in requests:
                if not isinstance(request, Request):
                    raise RunError(
                        f"[callback {name}] it answered {type(request).__name__}; expected Stop, Pause, Save, "
                        "Evaluate, SetScalar or None; import them from powertrain.plugin"
                    )
                wanted.append((name, request))
        return wanted

    def start(self, start: Start) -> None:
        """Tell each that the run begins, or goes on."""
        self._tell("on_start", start)

    def end(self, end: End) -> None:
        """Tell each that this process is done with the run; once."""
        if not self._ended:
            self._ended = True
            self._tell("on_end", end)

    def _tell(self, method: str, told: Start | End) -> None:
        for name, callback in self._named:
            try:
                with self._drawing(told.progress["steps"]):
                    getattr(callback, method)(told)
            except Exception as error:
                raise RunError(
                    f"[callback {name}] {method} failed: {in_words(error)}; expected no exception; fix it, or leave "
                    "it out of the recipe: the run can be resumed"
                ) from error

    def _drawing(self, step: int) -> drawing_from:
        """What a callback draws, or seeds, changes no number of the run. It is the same after a resume."""
        self._generator.slot.value = state_of(step, 0)
        return drawing_from(self._generator)

    def arrays(self) -> dict[str, NDArray[Any]]:
        state = {
            f"callback.{at}.{key}": np.asarray(value)
            for at, (_, callback) in enumerate(self._named)
            for key, value in callback.state().items()
        }
        reason = np.frombuffer(self.stopped.encode()[:LONGEST_REASON], np.uint8)
        return {**state, STOPPED: reason} if self.stopped else state

    def misfits(self, saved: Mapping[str, NDArray[Any]]) -> list[str]:
        missing = [f"{name} is missing" for name in self.arrays() if name not in saved]
        reason = saved.get(STOPPED)
        fits = reason is None or (reason.dtype == np.uint8 and reason.ndim == 1 and reason.size <= LONGEST_REASON)
        return missing if fits else [*missing, f"{STOPPED} is not a text of at most {LONGEST_REASON:,} bytes"]

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        self.stopped = saved[STOPPED].tobytes().decode(errors="replace") if STOPPED in saved else ""
        for at, (_, callback) in enumerate(self._named):
            callback.restore(below(saved, f"callback.{at}."))


def scalars(run: TrainRun) -> dict[str, float]:
    """The numbers that a callback may set."""
    return {f"{optimizer.name}.lr": float(optimizer.lr.item()) for optimizer in run.table.optimizers.values()}


def begin(run: TrainRun) -> None:
    """Tell the callbacks of a run what begins."""
    recipe = run.recipe
    run.callbacks.start(Start(run.folder.path, recipe.name, recipe.tables, recipe.overrides, run.began_at))


def serve(run: TrainRun, values: Mapping[str, float]) -> tuple[bool, Mapping[str, float]]:
    """Show the callbacks of a run this commit, with what its evaluation gave, and do what they ask for; whether a
    checkpoint is wanted, and what was evaluated in the end."""
    event = Event(asdict(run.progress), dict(values), scalars(run), tuple(run.texts), run.histograms.told)
    wanted = run.callbacks.ask(event) if run.leads else []
    _set(run, [(name, request) for name, request in wanted if isinstance(request, SetScalar)])
    for name, request in wanted:
        if isinstance(request, Stop):
            run.callbacks.stopped = run.callbacks.stopped or f"{name}: {request.reason}"
        if isinstance(request, (Stop, Pause)):
            run.request_stop(f"{name}: {request.reason}")
    asked = any(isinstance(request, Evaluate) for _, request in wanted)
    if _told(run, asked) and not values:
        values = run.evaluations.evaluate()
    return any(isinstance(request, Save) for _, request in wanted), values


def _told(run: TrainRun, evaluate: bool) -> bool:
    """Let the other workers, whose callbacks nobody asks, do as the first one: take its rates, and evaluate if it does.
    What ends its run ends theirs."""
    transport, rates = run.shards.transport, [*scalars(run).values()]
    if transport.size == 1:
        return evaluate
    told = np.array([evaluate, *rates], np.float64) if run.leads else np.zeros(1 + len(rates))
    transport.all_reduce([told])
    if not run.leads:
        for optimizer, rate in zip(run.table.optimizers.values(), told[1:].tolist(), strict=True):
            optimizer.lr = rate
    return bool(told[0])


def _set(run: TrainRun, wanted: Sequence[tuple[str, SetScalar]]) -> None:
    known = {f"{optimizer.name}.lr": optimizer for optimizer in run.table.optimizers.values()}
    chosen: dict[str, tuple[str, float]] = {}
    for name, request in wanted:
        if request.name not in known:
            raise RunError(
                f"[callback {name}] it set {request.name}; expected one of {', '.join(known) or 'none in this run'}; "
                "only the scalars of an event can be set"
            )
        value = plain_number(request.value)
        if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            raise RunError(
                f"[callback {name}] it set {request.name} to {shown(value)}; expected a number >= 0; give "
                f'SetScalar("{request.name}", 1e-4)'
            )
        before = chosen.setdefault(request.name, (name, value))
        if before[1] != value:
            raise RunError(
                f"[callback {name}] it set {request.name} to {value:g}, and {before[0]} to {before[1]:g}; "
                "expected one value; leave one of the callbacks out"
            )
    for scalar, (name, value) in chosen.items():
        known[scalar].lr = value
        run.record("scalar", name=scalar, value=value, by=name)
