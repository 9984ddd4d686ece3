"""What a pass is worth: a step and the same step without the pass, planned side by side and run in turns."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from powertrain import _core
from powertrain.cli.bench.intervals import paired_interval
from powertrain.cli.profile.measure import types_of
from powertrain.plugin.wording import suggestion
from powertrain.train.folder.run_folder import RunError

Program = dict[str, Any]  # as `step.programs` has it


def demand_pass(name: str) -> None:
    """That there is such a pass or rewrite rule."""
    known = _core.pass_names()
    if name not in known:
        raise RunError(
            f"[profile] --without {name}; expected a pass or a rewrite rule: {', '.join(known)}"
            f"{suggestion(name, known)}"
        )


@dataclass
class Change:
    """A step with and without a pass: both programs, and the seconds of a step of each, in pairs."""

    name: str
    left_out: str
    programs: tuple[Program, Program]
    seconds: tuple[list[float], list[float]]

    @property
    def ratio(self) -> float:
        """Of the times with and without it: below 1, the pass makes the step faster."""
        return statistics.median(one / other for one, other in zip(*self.seconds, strict=True))

    def interval(self) -> tuple[float, float]:
        """Of the ratio, at 95 %."""
        return paired_interval(self.seconds[1], self.seconds[0])

    def counts(self) -> dict[str, tuple[float, float]]:
        """What both programs come to, with and without the pass."""
        sums: dict[str, Callable[[Program], float]] = {
            "instructions": lambda program: len(program["instructions"]),
            "copies": lambda program: sum(one["copies"] for one in program["instructions"]),
            "bytes moved": lambda program: sum(one["bytes"] for one in program["instructions"]),
            "bytes of arena": lambda program: program["arena_bytes"],
        }
        return {name: (count(self.programs[0]), count(self.programs[1])) for name, count in sums.items()}

    def instructions(self) -> tuple[list[str], list[str]]:
        """Those that only the program with the pass has, and those that only the other has, in their order."""
        names = [Counter(one["name"] for one in program["instructions"]) for program in self.programs]
        return _more(names[0], names[1]), _more(names[1], names[0])


def _more(these: Counter[str], others: Counter[str]) -> list[str]:
    return [name for name, count in (these - others).items() for _ in range(count)]


class Pairs:
    """Runs a compiled step and its like without a pass in turns; every run really trains."""

    def __init__(self, compiled: Any, left_out: str, warm_up: int) -> None:
        self.steps: tuple[Any, Any] = (compiled, _core.compiled_without(compiled, left_out))
        self.left_out, self.warm_up = left_out, warm_up
        self.seconds: tuple[list[float], list[float]] = ([], [])
        self._types: Any = None
        self._calls = 0

    def run(self, arrays: Sequence[Any]) -> Any:
        """One step on these inputs, and what it gives."""
        if (types := types_of(arrays)) != self._types:
            self.seconds, self._calls, self._types = ([], []), 0, types
        # With, without, without, with: what drifts meanwhile is the same for both.
        which = (0, 1, 1, 0)[self._calls % 4]
        self._calls += 1
        start = time.perf_counter()
        made = self.steps[which](*arrays)
        if self._calls > 2 * self.warm_up:
            self.seconds[which].append(time.perf_counter() - start)
        return made

    def change(self, name: str) -> Change:
        pairs = min(map(len, self.seconds))
        one, other = (step.programs[0] for step in self.steps)
        if "instructions" not in one:
            raise RunError(
                f"[profile] a backend runs {name}; expected the engine, whose passes make its programs; leave "
                "run.backend out"
            )
        return Change(name, self.left_out, (one, other), (self.seconds[0][:pairs], self.seconds[1][:pairs]))


def text(change: Change) -> str:
    return "\n".join(_text(change))


def _text(change: Change) -> Iterator[str]:
    width = 24
    yield f"{change.name}, with and without {change.left_out}"
    yield f"{'':<{width}}{'with':>12}{'without':>12}{'with less without':>20}"
    for name, (one, other) in change.counts().items():
        yield f"{name:<{width}}{one:>12,.0f}{other:>12,.0f}{one - other:>+20,.0f}"
    times = [statistics.median(seconds) * 1e3 for seconds in change.seconds]
    low, high = change.interval()
    yield f"{'ms a step':<{width}}{times[0]:>12.4g}{times[1]:>12.4g}{times[0] - times[1]:>+20.3g}"
    yield (
        f"With it a step takes {change.ratio:.3f} [{low:.3f}, {high:.3f}] of the time without it: median and 95 % "
        f"interval of {len(change.seconds[0])} pairs."
    )
    with_it, without_it = change.instructions()
    for words, names in (("only with it", with_it), ("only without it", without_it)):
        if names:
            yield f"{words}:"
            yield from (f"  {name}" for name in names)
    if change.programs[0]["graph"] == change.programs[1]["graph"]:
        yield "It changes nothing in this step."


def as_json(change: Change) -> dict[str, Any]:
    low, high = change.interval()
    with_it, without_it = change.instructions()
    return {
        "name": change.name,
        "without": change.left_out,
        **{key.replace(" ", "_"): list(pair) for key, pair in change.counts().items()},
        "ms": [[1e3 * value for value in seconds] for seconds in change.seconds],
        "ratio": change.ratio,
        "interval": [low, high],
        "only_with": with_it,
        "only_without": without_it,
    }
