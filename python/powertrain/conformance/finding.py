"""What a check finds: which rule is broken, where, and how to fix it."""

from __future__ import annotations

import collections
import inspect
import random
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from powertrain.plugin.importing import in_words
from powertrain.plugin.kernels import Kernel
from powertrain.plugin.packaged import left_out


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `code` is a short name of the rule, for programs."""

    code: str
    where: str
    received: str
    expected: str
    fix: str

    def line(self) -> str:
        return f"[{self.where}] {self.received}; expected {self.expected}; {self.fix}"


class BrokenError(Exception):
    """Raised by a check that cannot go on after a finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.line())
        self.finding = finding


@dataclass(frozen=True)
class Subject:
    """A plugin under examination, with one set of its parameters."""

    group: str
    name: str
    plugin: Any
    params: Any
    where: str  # the plugin's full name, and its file and line

    def finding(self, code: str, received: str, expected: str, fix: str, error: BaseException | None = None) -> Finding:
        return Finding(code, self.place(error) if error else self.where, received, expected, fix)

    def raised(self, doing: str, error: BaseException) -> Finding:
        """The plugin's code raised."""
        text = in_words(error).splitlines()[0]
        if isinstance(error.__cause__ or error.__context__, ImportError) and str(error).startswith("["):
            received = f"it could not be tried: {str(error).splitlines()[0]}"
            return self.finding("not-here", received, "what it needs", "install it, and check again")
        if self.group == "kernel" and (thrown := _THROWN.search(text)):
            return self.finding(
                "fails",
                f"{doing}: a function of the kernel threw an exception ({thrown[1]})",
                "a status",
                "catch it inside of the function, and end with return pt_fail(call, message)",
            )
        # An error that says what it expected says so in the finding too, once.
        received, _, rest = text.partition("; expected ")
        expected, _, fix = rest.partition("; ")
        expected, fix = left_out(error) or (expected, fix)
        return self.finding(
            "raises",
            f"{doing} raised {received}",
            expected or "no exception",
            fix or "fix the line that is named",
            error,
        )

    def place(self, error: BaseException) -> str:
        """The last line of the plugin's own code in a traceback."""
        name, folder = self.where.split(" ")[0], source_folder(self.plugin)
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if folder is not None and Path(frame.filename).is_relative_to(folder):
                return f"{name} {Path(frame.filename).name}:{frame.lineno}"
        return self.where

    @property
    def modules(self) -> tuple[Any, ...]:
        """The module of the plugin's code, where it can be told."""
        module = sys.modules.get(str(getattr(code_of(self.plugin), "__module__", "")))
        return () if module is None else (module,)


# What the engine makes of a C++ exception that leaves a function of a library.
_THROWN = re.compile(r"\[system\] (.*); expected no failure")


def code_of(plugin: Any) -> Any:
    """What of a plugin Python knows the source of: of a kernel, its reference."""
    return getattr(plugin, "reference", plugin) if isinstance(plugin, Kernel) else plugin


def source_folder(plugin: Any) -> Path | None:
    try:
        return Path(inspect.getfile(code_of(plugin))).parent
    except TypeError:
        return None


def source_line(plugin: Any) -> str:
    """` file.py:12` of a class or function."""
    try:
        code = code_of(plugin)
        return f" {Path(inspect.getfile(code)).name}:{inspect.getsourcelines(code)[1]}"
    except (OSError, TypeError):
        return ""


@contextmanager
def no_global_random(subject: Subject, doing: str) -> Iterator[list[Finding]]:
    """Finds out whether a block drew from the generators that the whole process shares."""
    found: list[Finding] = []
    before = _shared_random()
    yield found
    if before != _shared_random():
        found.append(
            subject.finding(
                "global-random",
                f"{doing} draws from the random numbers that the whole process shares",
                "the run's own, which a resume continues",
                "draw from powertrain.random in a model, from t.rng in a step, from a seed of its own in data",
            )
        )


def _shared_random() -> tuple[Any, ...]:
    """The state of both generators, with the normal number that NumPy's may have in store."""
    state: Any = np.random.get_state(legacy=False)
    inner = state["state"]
    return random.getstate(), inner["key"].tobytes(), inner["pos"], state["has_gauss"], state["gauss"]


def same(a: Any, b: Any) -> bool:
    """Whether two arrays have the same bits."""
    left, right = np.asarray(a), np.asarray(b)
    return left.shape == right.shape and left.dtype == right.dtype and left.tobytes() == right.tobytes()


def apart(a: Any, b: Any) -> tuple[str, str]:
    """Two numbers in words that differ where the numbers do: six digits, or as many as that takes."""
    a, b = float(a), float(b)
    for digits in range(6, 18):
        words = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if words[0] != words[1]:
            return words
    return f"{a:.6g}", f"{b:.6g}"


def rng() -> np.random.Generator:
    """Numbers for a check, the same each time."""
    return np.random.Generator(np.random.Philox(key=2024))


def held_on(thing: Any) -> dict[str, Any]:
    """What an object remembers, as far as a change can be seen: values of simple attributes, identities of others."""

    def mark(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.tobytes()
        if isinstance(value, (int, float, str, bytes, bool, type(None))):
            return value
        if isinstance(value, (list, tuple, set, dict)):
            return repr(value)[:10_000]
        return id(value)

    return {name: mark(value) for name, value in getattr(thing, "__dict__", {}).items()}


def values_on(thing: Any) -> dict[str, Any]:
    """The attributes of an object that are numbers, texts, or lists and tables of these, which can be compared."""
    plain = {name: _plain(value) for name, value in getattr(thing, "__dict__", {}).items()}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist() if value.dtype.kind in "fiub" and value.size <= 100_000 else None
    if isinstance(value, (int, float, str)):
        return value
    if isinstance(value, dict):
        found = {str(key): _plain(one) for key, one in value.items()}
        return None if None in found.values() else found
    if isinstance(value, (list, tuple, collections.deque)):
        made = [_plain(one) for one in value]
        return None if None in made else made
    return None


def not_numbers(subject: Subject, state: dict[str, Any], expected: str) -> Finding | None:
    """What a plugin wants saved and no array can hold."""
    wrong = [name for name, value in state.items() if np.asarray(value).dtype.kind not in "fiub"]
    received = f"its state {', '.join(wrong)} is no array of numbers"
    return subject.finding("state", received, expected, "encode it as numbers") if wrong else None


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return sorted(name for name in {**before, **after} if before.get(name, _MISSING) != after.get(name, _MISSING))


_MISSING = object()
