"""What a person sees while a run trains: plain lines, and one that moves, or a bar, in a terminal or a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from powertrain.io.console import complain, one_line, say, silence
from powertrain.nn.display import counts
from powertrain.train.display.live import live_line

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

# A live line that changes more often than this cannot be read.
REFRESH_SECONDS = 0.1
SHOWN = ("accuracy", "perplexity", "mae", "mse", "r2")


class Display:
    """Writes a run's progress. `quiet` is for --json and for quiet calls from Python: only warnings are shown, on
    stderr. `python` says that what can be done next is said in Python, `kept` that the folder stays.

    Output that cannot be written costs no training. `unread` says that whoever read it went away, as `head` does.
    """

    def __init__(
        self, quiet: bool = False, stream: TextIO | None = None, *, python: bool = False, kept: bool = True
    ) -> None:
        self.quiet = quiet
        self.python, self.kept = python, kept
        self.unread = False
        self.stream = stream or sys.stdout
        self._shown = 0.0
        self._live = None if quiet else live_line(self.stream)
        self._start: tuple[float, int, int] | None = None

    def line(self, text: str = "") -> None:
        if self.quiet:
            return
        try:
            if self._live is None:
                say(text, self.stream, flush=True)
            else:
                self._live.print(text)
        except OSError as error:  # the reader went away, the terminal was closed, the disk of a redirection is full
            self.quiet, self.unread, self._live = True, isinstance(error, BrokenPipeError), None
            silence(self.stream)

    def warn(self, text: str) -> None:
        if self._live is not None:
            self._live.print(text, style="yellow")
        else:
            complain(text)

    def begin(self, run: TrainRun) -> None:
        """What is about to run: the data, the model, the machine, what --resume promises."""
        import powertrain as pt

        dataset, use = run.dataset, run.recipe.model
        order = ("train", "unlabelled", "valid", "test")
        ordered = sorted(dataset.splits, key=lambda part: (order.index(part) if part in order else len(order), part))
        parts = " / ".join(f"{part} {len(dataset.splits[part]):,}" for part in ordered)
        each = [counts(module) for module in run.table.modules.values()]
        total, trained = (sum(numbers[place] for numbers in each) for place in (0, 1))
        model = use.name if use else run.recipe.strategy.name
        if total:  # what another library fits has none that could be counted before
            model += f" {total:,} params" + (f", {trained:,} trained" if trained < total else "")
        kept = "" if run.recipe.run.precision == "f32" else f" {run.recipe.run.precision}"
        backend = run.recipe.run.backend
        workers = f"{size} workers x " if (size := run.shards.transport.size) > 1 else ""
        machine = (
            f"{workers}{pt.get_threads()} threads {pt.isa()}{kept}" if backend is None else f"{backend.name}{kept}"
        )
        described = one_line(f"{dataset.name} ({parts})" if parts else dataset.name)
        self.line(" · ".join([described, model, machine, f"resume: {run.strategy.resume}"]))
        for note in dataset.notes:
            self.line(f"note   {one_line(note)}")
        if run.progress.steps:
            self.line(f"resumed at {run.progress.steps:,} steps")
        elif run.folder.started and run.progress.rounds == 0:
            self.line(
                "note   it begins again, since the run ended before its first checkpoint; a smaller run.save_seconds "
                f"saves earlier (here {run.recipe.run.save_seconds:g})"
            )

    def step(self, run: TrainRun) -> None:
        """After a commit without news: only a live line moves."""
        self._rate(run)
        if self._live is not None and time.monotonic() - self._shown >= REFRESH_SECONDS:
            self._move(run)

    def _move(self, run: TrainRun) -> None:
        self._shown = time.monotonic()
        until = run.recipe.run.until
        share = min(1.0, getattr(run.progress, until.unit) / until.amount)
        self.show(f"{position(run)}  {self._speed(run)}", share)

    def show(self, text: str, share: float | None = None) -> None:
        """Put a text on the live line, where there is one, and how much is done."""
        if self._live is None:
            return
        try:
            self._live.show(text, share)
        except OSError:  # the terminal was closed
            self.quiet, self._live = True, None
            silence(self.stream)

    def evaluated(self, run: TrainRun, values: Mapping[str, float]) -> None:
        """After an evaluation: one line that stays."""
        self._rate(run)
        words = [f"{part} {values[f'{part}.loss']:.3f}" for part in ("train", "valid") if f"{part}.loss" in values]
        asked = run.recipe.evaluate.metrics or ()
        shown = dict.fromkeys((*SHOWN, run.dataset.kind.headline, *asked))
        known = [name for name in shown if f"valid.{name}" in values and name != "loss"]
        known = [
            name for name in known if name in asked or name != "mse" or "mae" not in known
        ]  # whose unit nobody counts in
        words += [measured(name, values[f"valid.{name}"], run.evaluations.units) for name in known]
        words += [f"{name} {values[f'env.{name}']:.4g}" for name in ("return", "length") if f"env.{name}" in values]
        self.line("  ".join([position(run), *words, self._speed(run)]).rstrip())
        if self._live is not None:
            self._move(run)

    def sample(self, text: str) -> None:
        """What a language model writes."""
        self.line("  | " + text.strip().replace("\n", "\n  | "))

    def end(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _rate(self, run: TrainRun) -> None:
        if self._start is None:  # from the first commit on, so that tracing does not count
            done = run.progress.env_steps if run.horizon.source is None else run.progress.steps
            self._start = (time.monotonic(), done, run.progress.rounds)

    def _speed(self, run: TrainRun) -> str:
        if self._start is None:
            return ""
        began, before, rounds = self._start
        counted = "env_steps" if run.horizon.source is None else "steps"
        seconds, steps = time.monotonic() - began, int(getattr(run.progress, counted)) - before
        if steps <= 0 or seconds <= 0:
            return ""
        rate = steps / seconds
        source = run.horizon.source
        if source is None:
            return f"{short_number(rate)} env steps/s"
        until = run.recipe.run.until
        if until.unit == "rounds":  # a round may take many steps
            left = (until.amount - run.progress.rounds) * seconds / (run.progress.rounds - rounds)
        else:
            left = (run.horizon.total_steps - run.progress.steps) / rate
        language = run.dataset.kind.tokens
        unit, size = ("tok/s", source.tokens_per_batch) if language else ("ex/s", source.batch_size)
        return f"{short_number(rate * size)} {unit}  eta {duration(left)}"


class NoDisplay(Display):
    """Shows nothing, no warnings either: of a worker beside the one that leads."""

    def __init__(self) -> None:
        super().__init__(quiet=True)

    def warn(self, text: str) -> None:
        pass


def position(run: TrainRun) -> str:
    """`epoch  5/20`, or `step 1,200/2,000`."""
    until = run.recipe.run.until
    done = int(getattr(run.progress, until.unit))
    width = len(f"{until.amount:,}")
    return f"{until.unit.removesuffix('s')} {done:>{width},}/{until.amount:,}"


def number(value: float, digits: int = 3) -> str:
    """A number with so many decimals; of one from 100,000 on the whole, and of a huge one its first four digits."""
    if abs(value) >= 1e9:
        return f"{value:.4g}"
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:.{digits}f}"


def measured(name: str, value: float, units: Mapping[str, str], digits: int = 3) -> str:
    """A metric with its value, and its unit where it has one: `mae 15230.410 dollars`."""
    return f"{name} {number(value, digits)} {one_line(units.get(name, ''))}".rstrip()


def short_number(value: float) -> str:
    """31,415 as `31k`."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """`3 s`, `4 min`, `2.5 h`."""
    seconds = max(0.0, seconds)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
