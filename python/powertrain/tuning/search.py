"""`powertrain tune` and `pt.tune`: a search from the recipe to the winner."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.io.children import how_it_ended
from powertrain.io.files import Files
from powertrain.recipe import Recipe, load_recipe
from powertrain.train.display.display import Display, duration
from powertrain.train.report.elements import charts_module
from powertrain.tuning.found import Tuned, told
from powertrain.tuning.pool import Pool, Worker
from powertrain.tuning.space import Space, TuneError, space_of
from powertrain.tuning.study import Plan, Study, Trial, locked, optuna_module
from powertrain.tuning.winner import write_recipe

if TYPE_CHECKING:
    from powertrain.typing import Table

STUDIES = Path("studies")  # where searches are that nobody named a folder for
LOG, REPORT = "workers.log", "report.html"
WAIT_SECONDS = 0.2
# Where as many trials fail before one is complete, the others would fail too.
HOPELESS = 10
OTHER = -1  # the number of a job that is no trial


@dataclass(frozen=True)
class Settings:
    """How a search is made."""

    recipe: str | Table
    space: Mapping[str, object]
    overrides: Sequence[str] = ()  # that all trials share
    trials: int = 20
    workers: int = 1
    metric: str = ""
    seed: int = 0
    prune: bool = True
    folder: Path | None = None
    max_minutes: float | None = None
    trust: bool = False

    def __post_init__(self) -> None:
        for name, value, most in (("trials", self.trials, 100_000), ("workers", self.workers, 256)):
            if not 1 <= value <= most:
                wanted = f"expected a whole number from 1 to {most:,}; give another one"
                raise TuneError(f"[tune] received {name}={value}; {wanted}")
        if not 0 <= self.seed < 1 << 63:
            raise TuneError(f"[tune] received seed={self.seed}; expected a whole number from 0 to 2^63 - 1; 0 is usual")

    def load(self, more: Sequence[str] = ()) -> Recipe:
        return load_recipe(self.recipe, [*self.overrides, *more], trust=self.trust)


def search(settings: Settings, display: Display) -> Tuned:
    """Make the trials that a study lacks, measure the best one, and write its recipe and the page."""
    optuna_module()
    charts_module()  # now: the first import of matplotlib keeps the frames that it is met in, and what they hold
    recipe = settings.load()
    space = space_of(settings.space, lambda more: settings.load(more))
    folder = settings.folder or STUDIES / recipe.name
    with locked(folder):
        log = Files(folder).appending(LOG)
        try:
            return Search(settings, recipe, space, folder, display, log).run()
        finally:
            display.end()
            os.close(log)


class Search:
    """One call: the loop over trials that are drawn, trained by workers, and told to the study."""

    def __init__(
        self, settings: Settings, recipe: Recipe, space: Space, folder: Path, display: Display, log: int
    ) -> None:
        self.settings, self.recipe, self.space = settings, recipe, space
        self.folder, self.display = folder, display
        self.pool = Pool(settings.workers, log)
        self.stopping = ""
        self.signal = 0
        self.deadline = math.inf if settings.max_minutes is None else time.monotonic() + 60 * settings.max_minutes
        self.again: deque[Trial] = deque()
        self.known: dict[int, Trial] = {}  # trials that workers train
        self.lately: dict[int, str] = {}

    def run(self) -> Tuned:
        with self._signals(), contextlib.closing(self.pool):
            about = self._asked({"do": "describe", "metric": self.settings.metric, **self._job([])})
            if about is None:
                raise KeyboardInterrupt(self.signal)
            plan = Plan(
                self.recipe.name, self.recipe.tables, self.space, about["metric"], about["lower"], self.settings.seed,
                self.settings.prune,
            )  # fmt: skip
            self.study = Study(self.folder, plan)
            with contextlib.closing(self.study):
                self._begin()
                self._trials()
                return self._end()

    def _begin(self) -> None:
        before = self.study.trials()
        self.again.extend(one for one in before if one.state == "unfinished")
        plan, target = self.study.plan, self.settings.trials
        ranges = ", ".join(f"{key} {one}" for key, one in self.space.items())
        better = "lower" if plan.lower else "higher"
        self.display.line(f"{plan.recipe} · {target} trials of {ranges}")
        workers = f"{self.settings.workers} worker{'s' if self.settings.workers > 1 else ''}"
        self.display.line(f"{plan.metric}, {better} is better · {workers} · {self.folder}")
        done = len(before) - len(self.again)
        if done >= target and not self.again:
            self.display.line(f"no trial is left to make: {self.folder} has {done}; raise --trials to search on")
        elif before:
            self.display.line(f"going on after {done} trials" + f", {len(self.again)} of them again" * bool(self.again))
        self.made = self.began_with = done
        self.began = time.monotonic()

    def _trials(self) -> None:
        """Until the target is reached or the search is stopped."""
        while True:
            while not self.stopping and self.pool.free and (trial := self._next()) is not None:
                self.known[trial.number] = trial
                job = {"do": "train", "metric": self.study.plan.metric, "folder": str(trial.folder)}
                self.pool.start(trial.number, {**job, **self._job(trial.overrides)})
            if not self.pool.busy:
                return
            self._look()

    def _look(self) -> None:
        for worker, message in self.pool.messages(WAIT_SECONDS):
            if worker.trial:
                self._take(worker, message)
            elif message is None:
                self.pool.drop(worker)
        if self.stopping:
            self.pool.stop()  # those too that were started while the signal came
        elif time.monotonic() > self.deadline:
            self._stop("the time that --max-minutes allows is over")

    def _next(self) -> Trial | None:
        if self.again:
            return self.again.popleft()
        return self.study.ask() if len(self.study.trials()) < self.settings.trials else None

    def _take(self, worker: Worker, message: dict[str, Any] | None) -> None:
        """Take up what a worker sent about its trial."""
        number = worker.trial
        if message is None or "failed" in message:
            reason = how_it_ended(worker.process) if message is None else message["failed"]
            self.pool.drop(worker)  # a fresh process has nothing of what went wrong
            if not (message is None and self.stopping):  # it had no run yet that it could have saved
                self._tell(number, "failed", None, reason)
            return
        if "value" in message:
            self._report(worker, int(message["evaluation"]), float(message["value"]))
            return
        worker.trial = 0
        found = message["done"]
        value, made = float(found["value"]), (int(found["evaluations"]), float(found["seconds"]))
        if found["ended"]:
            failed = found["ended"].startswith("[")
            self._tell(number, "failed" if failed else "pruned", None, found["ended"], *made)
        elif found.get("signal"):
            if not self.stopping:  # somebody else stopped this worker: its trial goes on
                self.again.append(self.known[number])
        elif "reason" in found:
            self._tell(number, "failed", None, f"a callback paused it: {found['reason']}", *made)
        elif not math.isfinite(value):
            self._tell(number, "failed", None, f"{self.study.plan.metric} is {value}", *made)
        else:
            self._tell(number, "complete", value, "", *made)

    def _report(self, worker: Worker, evaluation: int, value: float) -> None:
        metric = self.study.plan.metric
        if math.isfinite(value):
            end = self.study.report(worker.trial, evaluation, value)
        else:
            end = f"[{metric}] it is {value} after evaluation {evaluation}"
        with contextlib.suppress(BrokenPipeError):  # its end is the next that is heard of it
            worker.channel.send({"end": end})
        self.lately[worker.trial] = f"trial {worker.trial} evaluation {evaluation}: {value:.4g}"
        left = self._left()
        self.display.show("  ".join([*self.lately.values(), f"eta {left}" if left else ""]).rstrip())

    def _tell(
        self, number: int, state: str, value: float | None, reason: str, evaluations: int = 0, seconds: float = 0.0
    ) -> None:
        self.study.tell(number, state, value, reason, evaluations, seconds)
        self.lately.pop(number, None)
        self.made += 1
        best = self.study.best()
        new = best is not None and best.number == number
        self.display.line(told(self.study.trials()[number - 1], self.settings.trials, new))
        if self.display.unread:
            self._stop("nobody reads its output any more", signal.SIGPIPE)
        if best is None and self.made >= HOPELESS:
            raise self._hopeless()

    def _left(self) -> str:
        made = self.made - self.began_with
        if not made:
            return ""
        return duration((time.monotonic() - self.began) / made * max(0, self.settings.trials - self.made))

    def _hopeless(self) -> TuneError:
        failed = [one for one in self.study.trials() if one.state == "failed"]
        return TuneError(
            f"[tune] all {len(failed)} trials failed; expected one that is trained to its end; the last said: "
            f"{failed[-1].reason}; {self.folder / LOG} has more; fix it, and begin a new study: --study DIR"
        )

    # The end.

    def _end(self) -> Tuned:
        best, trials = self.study.best(), tuple(self.study.trials())
        if best is None:
            if trials and not self.stopping:
                raise self._hopeless()
            return self._said(Tuned(self.folder, self.study.plan.metric, self.study.plan.lower, trials, None))
        found = Tuned(
            self.folder, self.study.plan.metric, self.study.plan.lower, trials, best,
            importances=self.study.importances(),
        )  # fmt: skip
        if not self.stopping:
            self.display.show(f"trial {best.number} is measured")
            job = {"do": "finish", "folder": str(best.folder), **self._job(best.overrides)}
            done = self._asked(job)
            if done is not None and "scores" in done:
                found = replace(found, part=done["part"], scores=done["scores"], met=done["met"])
        return self._said(found)

    def _said(self, found: Tuned) -> Tuned:
        """Write the winner's recipe and the page, and say how the search went."""
        from powertrain.tuning.page import search_page

        files, best = Files(self.folder), found.best
        if best is not None:
            words = f"Trial {best.number} of a search of {self.recipe.name}: {found.metric} {best.value:.6g}"
            name = write_recipe(self.settings.load(best.overrides), best, files, words)
            found = replace(found, recipe=self.folder / name, report=self.folder / REPORT)
        found = replace(found, finished=not self.stopping, signal=self.signal)
        files.replace(REPORT, search_page(f"Search: {self.recipe.name}", found, self.space).encode())
        for line in found.lines():
            self.display.line(line)
        if self.stopping:
            tell = self.display.warn if self.display.unread else self.display.line
            tell(f"stopped after {self.made} trials: {self.stopping}; the same command goes on")
        return found

    def _asked(self, job: dict[str, Any]) -> dict[str, Any] | None:
        """What a worker answers to a job that is no trial; None where the search is stopped meanwhile."""
        self.pool.start(OTHER, job)
        while True:
            if self.stopping:
                self.pool.stop()
            for worker, message in self.pool.messages(WAIT_SECONDS):
                if worker.trial != OTHER:
                    if message is None:
                        self.pool.drop(worker)
                    continue
                worker.trial = 0
                if message is None or "failed" in message:
                    reason = how_it_ended(worker.process) if message is None else message["failed"]
                    self.pool.drop(worker)
                    if self.stopping:
                        return None
                    raise TuneError(reason if reason.startswith("[") else f"[tune] {reason}; see {self.folder / LOG}")
                found: dict[str, Any] = message["done"]
                return None if self.stopping else found

    def _job(self, overrides: Sequence[str]) -> dict[str, Any]:
        settings = [*self.settings.overrides, *overrides]
        return {"recipe": self.settings.recipe, "settings": settings, "trust": self.settings.trust}

    # Stopping.

    def _stop(self, reason: str, number: int = 0) -> None:
        """Let the workers save after their rounds, and end; the first reason counts."""
        if not self.stopping:
            self.stopping, self.signal = reason, number
            self.pool.stop()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """The first Ctrl-C ends the search after the rounds that are computed; the second ends it at once."""

        def handler(number: int, frame: Any) -> None:
            if self.stopping:
                raise KeyboardInterrupt(number)
            self._stop(f"interrupted by {signal.Signals(number).name}", number)
            with contextlib.suppress(RuntimeError):  # it came in the middle of another line
                self.display.warn("stopping after this round of each trial; press Ctrl-C again to stop at once")

        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():  # Python gives signals to no other
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    before[number] = signal.signal(number, handler)
        try:
            yield
        finally:
            for at, one in before.items():
                signal.signal(at, one)
