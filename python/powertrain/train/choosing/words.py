"""A suggestion as lines for a terminal, and as a table for a program."""

from __future__ import annotations

import math
from typing import Any

from powertrain.io.console import aligned
from powertrain.train.choosing.comparing import Measured
from powertrain.train.choosing.growth import Ahead, Growth
from powertrain.train.choosing.suggestion import Suggestion
from powertrain.train.display.display import duration

BAR = 32  # letters of the longest bar
LESS = 0.1  # of the error: what the next gain is reckoned by


def table(found: Suggestion) -> list[tuple[str, ...]]:
    """The candidates, the best first, those without a value last; its head first."""
    rows: list[tuple[str, ...]] = [("candidate", found.asked.metric, "95 % interval", "a fold", "")]
    sign = 1 if found.lower_is_better else -1
    for one in sorted(found.comparison.compared, key=lambda one: (sign * one.mean, one.candidate.rank)):
        chosen = found.choice is not None and one is found.choice.chosen
        seconds = f"{sum(one.seconds) / len(one.seconds):.2f} s"
        rows.append((one.candidate.name, f"{one.mean:.4g}", between(one), seconds, "chosen" if chosen else ""))
    return rows


def between(one: Measured) -> str:
    low, high = one.interval
    return "one fold" if math.isnan(low) else f"{low:.4g} to {high:.4g}"


def others(found: Suggestion) -> list[tuple[str, str]]:
    """Candidates without a value, and why."""
    return [(one.candidate.name, one.out or "not measured") for one in found.comparison.measured
            if one not in found.comparison.compared]  # fmt: skip


def indented(rows: list[tuple[str, ...]]) -> list[str]:
    return [f"  {line}" for line in aligned(rows)]


def cut(found: Suggestion) -> str:
    """What the clock or a signal cut off; empty where the answer is the same on any machine."""
    said = list(found.comparison.cut)
    return f"not measured: {', '.join(said)}; with more time the answer may be another" if said else ""


def growth_words(found: Suggestion, growth: Growth) -> list[str]:
    """What the curve says, in sentences."""
    law, metric = growth.law, found.asked.metric
    now, low, high = growth.at(growth.now)
    what = metric if found.lower_is_better else f"1 - {metric}"
    said = [
        f"The error ({what}) of n rows is about {law.a:.3g} n^-{law.b:.2g}"
        + (f" + {law.c:.3g}." if law.c > 0 else "."),
        f"With all {growth.now:,} rows it is {now:.4g} ({low:.4g} to {high:.4g}).",
    ]
    said += [f"With {one.rows:,} rows it would be {one.error:.4g} ({one.low:.4g} to {one.high:.4g})."
             for one in growth.ahead]  # fmt: skip
    wanted = law.rows_for((1 - LESS) * now)
    more = wanted - growth.now
    if wanted < 100 * growth.now:
        cost = "" if found.cost is None else f", which cost {found.cost * more:,.6g}"
        said.append(f"An error that is {LESS:.0%} smaller would take {more:,.0f} more rows{cost}.")
    else:
        said.append(f"By this curve more rows hardly help: {LESS:.0%} less error would take over 100 times as many.")
    return said


def growth_table(found: Suggestion, growth: Growth) -> list[tuple[str, ...]]:
    """Rows, error, interval; with a cost what the rows and a hundredth less error cost."""
    priced = found.cost is not None
    head = ("rows", "error", "95 % interval", *(("cost", "for 0.01 less") if priced else ()))
    rows: list[tuple[str, ...]] = [head]
    for size, errors in zip(growth.rows.mean(axis=1), growth.errors, strict=True):
        spread = f"{errors.min():.4g} to {errors.max():.4g} measured"
        rows.append((f"{size:,.0f}", f"{errors.mean():.4g}", spread, *(("", "") if priced else ())))
    now = growth.at(growth.now)
    for one in (Ahead(growth.now, *now), *growth.ahead):
        row = (f"{one.rows:,}", f"{one.error:.4g}", f"{one.low:.4g} to {one.high:.4g} by the curve")
        rows.append((*row, *(_price(found, growth, one, now[0]) if priced else ())))
    return rows


def _price(found: Suggestion, growth: Growth, one: Ahead, now: float) -> tuple[str, str]:
    assert found.cost is not None
    cost, gain = found.cost * (one.rows - growth.now), now - one.error
    if one.rows == growth.now:
        return "", ""
    return f"{cost:,.6g}", f"{cost * 0.01 / gain:,.6g}" if gain > 0 else "no gain"


def bars(growth: Growth) -> list[str]:
    """The mean errors as bars, those of more rows by the curve."""
    shown = [(f"{size:,.0f}", float(errors.mean()), "#")
             for size, errors in zip(growth.rows.mean(axis=1), growth.errors, strict=True)]  # fmt: skip
    shown += [(f"{one.rows:,}", one.error, ".") for one in growth.ahead]
    longest = max(value for _, value, _ in shown) or 1.0
    width = max(len(name) for name, _, _ in shown)
    return [f"  {name:>{width}}  {sign * max(1, round(BAR * value / longest))} {value:.4g}"
            for name, value, sign in shown]  # fmt: skip


def lines(found: Suggestion) -> list[str]:
    """What was compared, what is chosen and why, and what more rows would bring."""
    if found.choice is None:
        return ["stopped before the first fold was measured: nothing is suggested"]
    said = indented(table(found))
    said += [f"  {name}: {why}" for name, why in others(found)]
    chosen = found.choice.chosen.candidate
    said += [f"chosen   {chosen.name}: {chosen.words}", f"why      {' '.join(found.choice.why)}"]
    if clock := cut(found):
        said.append(f"time     {clock}")
    if found.watched is not None and found.watched.growth is None:
        said.append(f"sizes    not known: {found.watched.problem}")
    elif found.watched is not None and found.watched.growth is not None:
        growth = found.watched.growth
        words = ["sizes", *[""] * len(growth_words(found, growth))]
        said += [f"{word:<8} {line}" for word, line in zip(words, growth_words(found, growth), strict=False)]
        said += bars(growth)
        said += indented(growth_table(found, growth))
    return [*said, f"took     {duration(found.seconds)}"]


def as_table(found: Suggestion) -> dict[str, Any]:
    """The same for JSON."""
    candidates = [
        {"name": one.candidate.name, "words": one.candidate.words, "mean": one.mean, "values": one.values,
         "interval": list(one.interval), "seconds": one.seconds, "left_out": one.out}
        for one in found.comparison.measured
    ]  # fmt: skip
    made: dict[str, Any] = {
        "rows": found.asked.rows, "test_rows": found.asked.test_rows, "metric": found.asked.metric,
        "lower_is_better": found.lower_is_better, "folds": found.comparison.folds, "cut": found.comparison.cut,
        "seen": [list(one) for one in found.asked.lines()], "candidates": candidates, "seconds": found.seconds,
    }  # fmt: skip
    if found.choice is not None:
        made |= {"chosen": found.choice.chosen.candidate.name, "why": list(found.choice.why)}
    if found.watched is not None:
        made["sizes"] = _sizes(found)
    return made


def _sizes(found: Suggestion) -> dict[str, Any]:
    assert found.watched is not None
    growth = found.watched.growth
    if growth is None:
        return {"problem": found.watched.problem}
    law = growth.law
    return {
        "rows": growth.rows.tolist(), "errors": growth.errors.tolist(), "a": law.a, "b": law.b, "c": law.c,
        "ahead": [{"rows": one.rows, "error": one.error, "low": one.low, "high": one.high} for one in growth.ahead],
    }  # fmt: skip
