"""Checks of transforms: each example is mapped by itself, by what was learned on the training part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from powertrain.conformance.changes import check_random_transform
from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, changed, held_on, no_global_random, not_numbers, rng, same
from powertrain.conformance.leaks import check_leaks
from powertrain.conformance.usage import check_effects
from powertrain.errors.methods import overridden
from powertrain.plugin.protocols import is_random


def check_transform(subject: Subject) -> Iterator[Finding]:
    if is_random(subject.plugin):
        yield from check_random_transform(subject)
        return
    draw = rng()
    examples: tuple[tuple[int, ...], ...] = subject.plugin.example_shapes
    shapes = [(12, *shape) for shape in examples]
    errors: list[Exception] = []
    worked: list[Any] = []
    for shape in shapes:
        x = draw.normal(size=shape).astype(np.float32)
        given = x.copy()
        try:
            with no_global_random(subject, "the transform") as drawn:
                fitted = subject.plugin.build(subject.params, x)
                made = np.asarray(fitted(x))
        except Exception as error:
            errors.append(error)
            continue
        worked.append(x)
        found = [*drawn, *_transform(subject, fitted, x, given, made)]
        if not found and np.isfinite(made).all():
            found = list(_constant(subject, x))
        yield from found
        if found:
            return
    if not worked:
        yield subject.raised("build on arrays of usual shapes", errors[0])
        return
    x = worked[0]
    fitted = subject.plugin.build(subject.params, x)
    yield from check_leaks(subject, "the transform", lambda: fitted(x))
    yield from check_effects(subject, lambda params: _results(subject.plugin, params, worked))


def _results(plugin: Any, params: Any, examples: list[Any]) -> Iterator[bytes]:
    for x in examples:
        for scaled in (x, 40 * np.abs(x)):
            try:
                made = np.asarray(plugin.build(params, scaled)(scaled))
            except Exception:
                if scaled is x:
                    raise
                continue  # it need not take these
            yield f"{made.dtype} {made.shape}".encode() + made.tobytes()


def _constant(subject: Subject, x: Any) -> Iterator[Finding]:
    """A feature that never varies, as the rim of a picture: a deviation of 0, which nothing can be divided by."""
    still = x.copy()
    still.reshape(len(still), -1)[:, 0] = 0.5
    try:
        with np.errstate(all="ignore"):
            made = np.asarray(subject.plugin.build(subject.params, still)(still))
    except Exception as error:
        yield subject.raised("build on examples of which one feature never varies", error)
        return
    if not np.isfinite(made).all():
        yield subject.finding(
            "not-finite",
            "a feature that is the same in all examples comes out as no finite number",
            "numbers",
            "divide by a deviation only where it is above 0",
        )


def _scaled(fitted: Any, x: Any) -> Any:
    """What its scaling makes of the examples, if it has one."""
    return fitted.scaling and fitted.scaling.rows(np.ascontiguousarray(x, dtype=np.float32), np.arange(len(x)))


def _transform(subject: Subject, fitted: Any, x: Any, given: Any, made: Any) -> Iterator[Finding]:
    if not same(x, given):
        yield subject.finding(
            "writes-input", "it changes the array that it is given", "a new array", "copy before writing"
        )
        return
    if made.shape[:1] != x.shape[:1]:
        yield subject.finding(
            "rows", f"{len(x)} examples become {list(made.shape)}", f"[{len(x)}, ...]", "keep the first axis as it is"
        )
        return
    before = held_on(fitted)
    alone = np.asarray(fitted(x[3:4]))
    if not same(alone[0], made[3]):
        yield subject.finding(
            "examples-mixed",
            "an example comes out differently alone than among others",
            "the same",
            "learn what all share in build, from the training part, and only apply it in __call__",
        )
    elif fitted.by_row and not same(fitted(np.concatenate([x] * 16)), np.concatenate([made] * 16)):
        yield subject.finding(
            "examples-mixed",
            "by_row is true, and examples come out differently among many others",
            "the same bits",
            "leave by_row out: batches are then transformed one by one",
        )
    elif (scaled := _scaled(fitted, x)) is not None and not same(scaled, made):
        yield subject.finding(
            "scaling",
            "its scaling gives other numbers than a call",
            "the same bits",
            "set scaling to what __call__ does, (x - subtract) * multiply + add in float32, or leave it out",
        )
    elif overridden(fitted, "overwrite") and not same(fitted.overwrite(x.copy()), made):
        yield subject.finding(
            "overwrite",
            "overwrite gives other numbers than a call",
            "the same bits",
            "do in overwrite what __call__ does, with x as the place of the result, or leave it out",
        )
    with elsewhere(*subject.modules):
        again = fitted(x)
    if not same(again, made):
        yield subject.finding(
            "not-repeatable",
            "two calls give different results",
            "the same bits",
            "draw no random numbers in it, and read no clock and no file of a relative path",
        )
    if names := changed(before, held_on(fitted)):
        yield subject.finding(
            "state-on-self",
            f"a call changes {', '.join(names)} of it",
            "what build learned, and nothing else",
            "learn in build",
        )
        return
    state = fitted.state()
    if wrong := not_numbers(subject, state, "numbers, which a slot can hold"):
        yield wrong
        return
    # As where a trained run is opened without its data.
    other = subject.plugin.build(subject.params, np.zeros_like(x[:2]))
    if not same(fitted(x), made):
        yield subject.finding(
            "shared",
            "it gives other results after another one was fitted",
            "each to keep what it learned itself",
            "keep what build learns on the object, not on the class or in the module",
        )
        return
    other.restore({name: np.array(value) for name, value in state.items()})
    if not same(other(x), made):
        yield subject.finding(
            "state",
            "what state() gives does not make another one behave the same",
            "everything that build learned",
            "add what is missing to state() and restore()",
        )
