"""Checks of random transforms: the same draw gives the same batch, and training sees arrays of the same form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, changed, held_on, no_global_random, rng, same
from powertrain.conformance.leaks import check_leaks
from powertrain.conformance.usage import check_effects
from powertrain.data.order import CHANGES, Cursor, Draw
from powertrain.errors.methods import overridden
from powertrain.plugin.protocols import Inputs

SHAPES = ((28, 28), (12, 10, 3), (40,), (24, 16, 1))
CLASSES = 5
ROWS = 12
CALLS = 16


def check_random_transform(subject: Subject) -> Iterator[Finding]:
    errors: list[Exception] = []
    worked: list[tuple[dict[str, Any], Inputs]] = []
    for shape in SHAPES:
        for dtype in ("float32", "uint8"):
            fields = _batch(shape, dtype)
            inputs = Inputs("classification", shape, CLASSES, dtype)
            try:
                made = subject.plugin.build(subject.params, inputs)
                made.change(_copy(fields), _draw(0))
            except Exception as error:
                errors.append(error)
                continue
            found = list(_examine(subject, made, fields))
            yield from found
            if found:
                return
            worked.append((fields, inputs))
    if len(errors) == 2 * len(SHAPES):
        yield subject.raised("build and change on batches of usual shapes", errors[0])
        return
    first, form = worked[0]
    made = subject.plugin.build(subject.params, form)
    yield from check_leaks(subject, "change", lambda: made.change(first, _draw(1)))
    yield from check_effects(subject, lambda params: _results(subject.plugin, params, worked))


def _results(plugin: Any, params: Any, worked: list[tuple[dict[str, Any], Inputs]]) -> Iterator[bytes]:
    for fields, inputs in worked:
        made = plugin.build(params, inputs)
        for call in range(CALLS):
            yield b"".join(np.asarray(value).tobytes() for value in made.change(_copy(fields), _draw(call)).values())


def _batch(shape: tuple[int, ...], dtype: str) -> dict[str, Any]:
    x = rng().uniform(0, 255, (ROWS, *shape)).astype(dtype)
    return {"x": x, "y": np.arange(ROWS, dtype=np.int64) % CLASSES}


def _copy(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value.copy() for name, value in fields.items()}


def _draw(call: int) -> Draw:
    return Draw(3, CHANGES, Cursor(0, call))


def _examine(subject: Subject, made: Any, fields: dict[str, Any]) -> Iterator[Finding]:
    given, before = _copy(fields), held_on(made)
    with no_global_random(subject, "change") as drawn:
        results = [made.change(given, _draw(call)) for call in range(CALLS)]
    yield from drawn
    if any(not same(given[name], fields[name]) for name in fields):
        yield subject.finding(
            "writes-input", "it changes the arrays that it is given", "new arrays", "copy before writing"
        )
        return
    with elsewhere(*subject.modules):
        again = made.change(_copy(fields), _draw(1))
    if set(again) != set(results[1]) or any(not same(again[name], results[1][name]) for name in again):
        yield subject.finding(
            "not-repeatable",
            "the same draw gives two different batches",
            "the same bits, as a resumed run needs them",
            "take every random number from draw, keep nothing between calls, and read no clock",
        )
        return
    if overridden(made, "overwrite"):
        over = made.overwrite(_copy(fields), _draw(1))
        if set(over) != set(again) or any(not same(over[name], again[name]) for name in again):
            yield subject.finding(
                "overwrite",
                "overwrite gives another batch than change",
                "the same bits from the same draw",
                "do in overwrite what change does, in the same order of draws, or leave it out",
            )
            return
    if names := changed(before, held_on(made)):
        yield subject.finding(
            "state-on-self", f"a call changes {', '.join(names)} of it", "no state", "take what it needs from draw"
        )
        return
    yield from _form(subject, results, fields)


def _form(subject: Subject, results: list[dict[str, Any]], fields: dict[str, Any]) -> Iterator[Finding]:
    forms = {tuple((name, value.dtype.str, value.shape) for name, value in result.items()) for result in results}
    first = results[0]
    shares = (ROWS, CLASSES)
    if len(forms) > 1:
        yield subject.finding(
            "rows", f"batches come out in {len(forms)} forms", "one shape and dtype for all", "keep them the same"
        )
    elif set(first) < set(fields) or first["x"].shape != fields["x"].shape:
        yield subject.finding(
            "rows",
            f"x of {list(fields['x'].shape)} becomes {list(first['x'].shape) if 'x' in first else 'nothing'}",
            "the same shape, since evaluation does not pass through it",
            "pad or cut what it makes",
        )
    elif first["x"].dtype != fields["x"].dtype and (fields["x"].dtype.kind == "f" or first["x"].dtype == "float64"):
        yield subject.finding(
            "rows",
            f"x of {fields['x'].dtype} becomes {first['x'].dtype}",
            "the same dtype, since evaluation does not pass through it",
            "write .astype(fields['x'].dtype, copy=False)",
        )
    elif first["y"].shape not in ((ROWS,), shares):
        yield subject.finding(
            "rows",
            f"y of {[ROWS]} becomes {list(first['y'].shape)}",
            f"{[ROWS]}, or class shares {list(shares)}",
            "give one target for each example",
        )
    elif not all(np.isfinite(result["x"]).all() for result in results):
        yield subject.finding("not-finite", "x has values that are not finite", "numbers", "check its arithmetic")
    elif all(same(result["x"], fields["x"]) and same(result["y"], fields["y"]) for result in results):
        yield subject.finding(
            "no-change", f"{CALLS} batches come out as they went in", "a random change", "check its default parameters"
        )
