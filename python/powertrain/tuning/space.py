"""The space of a search: the settings that it varies, each with a range or with choices.

optimizer.lr = "1e-4..1e-1 log"       numbers between two, drawn evenly, or by their logarithm
model.channels.0 = "8..64 step 8"     whole numbers, where the recipe takes no others
optimizer.use = ["adamw", "sgd"]      choices; as one text: "adamw|sgd"
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from powertrain._core import Error
from powertrain.plugin.tables import flat
from powertrain.plugin.wording import show
from powertrain.recipe import RecipeError
from powertrain.recipe.source import read
from powertrain.recipe.toml import is_plain, value_text

MOST_SETTINGS, MOST_CHOICES, LONGEST = 50, 100, 4096
LARGEST = 1 << 53  # of whole numbers: up to there floats count exactly
EXAMPLE = 'for example "1e-4..1e-1 log", "1..8" or "adamw|sgd"'
# What is measured, and on which examples: trials that differ in it cannot be compared.
MEASURING = ("data.split", "evaluate", "expect", "report", "run.stop.watch", "run.stop.mode")

_NUMBER = r"[-+]?[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][-+]?[0-9]{1,3})?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})(\s+log)?(?:\s+step\s+({_NUMBER}))?\s*")


class TuneError(Error):  # type: ignore[misc, unused-ignore]
    """A search that cannot be made as asked: `[where] what was received; what was expected; how to fix it`."""


@dataclass(frozen=True)
class Numbers:
    """Numbers from `low` to `high`, both of them allowed."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    @property
    def tried(self) -> tuple[str, ...]:
        """The values that the recipe is asked about."""
        return value_text(self.low), value_text(self.high)

    def __str__(self) -> str:
        words = f"{value_text(self.low)}..{value_text(self.high)}"
        return words + " log" * self.log + (f" step {value_text(self.step)}" if self.step is not None else "")


@dataclass(frozen=True)
class Choices:
    """Values as TOML writes them."""

    values: tuple[str, ...]

    @property
    def tried(self) -> tuple[str, ...]:
        return self.values

    def __str__(self) -> str:
        return "|".join(self.values)


Space = Mapping[str, Numbers | Choices]


def read_space(given: Iterable[str]) -> dict[str, Any]:
    """What the command line says: each is KEY=RANGE, or a TOML file of such."""
    found: dict[str, Any] = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals and not key.endswith(".toml"):
            raise TuneError(f"[--space {item[:60]}] expected KEY=RANGE or a .toml file; {EXAMPLE}")
        entries = {key.strip(): value} if equals else flat(read(Path(item)).tables)
        if again := sorted(found.keys() & entries.keys()):
            raise TuneError(f"[space {again[0]}] received it twice; expected one range; leave one of them out")
        found.update(entries)
    return found


def space_of(given: Mapping[str, object], load: Callable[[list[str]], object]) -> dict[str, Numbers | Choices]:
    """The space, with every range held to what the recipe takes there: all mistakes come at once, before a trial.

    `load` gives the recipe with further settings KEY=VALUE, or raises a RecipeError."""
    if not 1 <= len(given) <= MOST_SETTINGS:
        raise TuneError(
            f"[space] received {len(given)} settings; expected 1 to {MOST_SETTINGS}; name what to search, for example "
            '--space "optimizer.lr=1e-4..1e-1 log"'
        )
    found: dict[str, Numbers | Choices] = {}
    mistakes: list[str] = []
    for key, value in given.items():
        try:
            if key.startswith(MEASURING):
                raise ValueError(
                    "it changes what is measured; expected a setting of the training, since trials that are measured "
                    "differently cannot be compared"
                )
            found[key] = _held(key, _one(value), load)
        except ValueError as error:
            mistakes.append(f"[space {key[:60]}] {error}")
        except RecipeError as error:
            mistakes += [re.sub(r"^\[--set ", "[space ", line) for line in error.lines]
    if mistakes:
        raise TuneError("\n".join(dict.fromkeys(mistakes)))
    return found


def _held(key: str, one: Numbers | Choices, load: Callable[[list[str]], object]) -> Numbers | Choices:
    """The range, once the recipe takes its values; of whole numbers where it takes no others."""
    problems: list[str] = []
    for text in one.tried:
        try:
            load([f"{key}={text}"])
        except RecipeError as error:
            problems += error.lines
    if problems:
        raise RecipeError(list(dict.fromkeys(problems)))
    if isinstance(one, Choices) or not one.whole:
        return one
    try:
        load([f"{key}={one.low + 0.5}"])
    except RecipeError:
        return one
    return replace(one, low=float(one.low), high=float(one.high), whole=False)


def _one(value: object) -> Numbers | Choices:
    """A range or choices, of a text or a list; a ValueError says what is wrong with it."""
    if isinstance(value, (list, tuple)) and is_plain(value):
        return _choices([value_text(one) for one in value], value)
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError(f"received {show(value)}; expected a range or choices; {EXAMPLE}")
    found = _RANGE.fullmatch(value)
    if found is None:
        return _choices(_parts(value), value)
    low, high, step = (None if text is None else _number(text) for text in (found[1], found[2], found[4]))
    assert low is not None and high is not None
    return _numbers(low, high, found[3] is not None, step, value)


def _numbers(low: float, high: float, log: bool, step: float | None, value: str) -> Numbers:
    ends = (low, high)
    if not low < high or any(not math.isfinite(one) or (isinstance(one, int) and abs(one) > LARGEST) for one in ends):
        raise ValueError(f"received {show(value)}; expected two numbers of which the first is smaller; {EXAMPLE}")
    if log and (low <= 0 or step is not None):
        raise ValueError(f"received {show(value)}; expected numbers above 0 and no step beside log; {EXAMPLE}")
    if step is not None:
        steps = (high - low) / step if step > 0 else 0.5
        if abs(steps - round(steps)) > 1e-9 * max(1.0, steps):
            raise ValueError(f'received {show(value)}; expected a range of whole steps; for example "8..64 step 8"')
    whole = all(isinstance(one, int) for one in (low, high, step) if one is not None)
    return Numbers(low, high, log, step, whole)


def _number(text: str) -> float:
    """An int where it is written as one."""
    return int(text) if re.fullmatch(r"[-+]?[0-9_]{1,20}", text) else float(text)


def _choices(texts: list[str], value: object) -> Choices:
    if not 2 <= len(texts) <= MOST_CHOICES or len(set(texts)) < len(texts) or not all(map(str.strip, texts)):
        raise ValueError(
            f"received {show(value)}; expected a range or 2 to {MOST_CHOICES} choices that differ; {EXAMPLE}"
        )
    return Choices(tuple(text.strip() for text in texts))


def _parts(text: str) -> list[str]:
    """The texts between the | that stand in no quotes and no brackets."""
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        else:
            depth += (sign in "[{") - (sign in "]}")
            if sign == "|" and depth == 0:
                parts.append("")
                continue
        parts[-1] += sign
    return parts
