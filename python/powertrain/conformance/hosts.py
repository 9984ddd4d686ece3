"""Checks of models that another library fits: what they learn is bytes, and nothing is kept between calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, changed, held_on, no_global_random, rng, same
from powertrain.conformance.pages import check_sections, dataset_of
from powertrain.plugin.protocols import Inputs

LEARNED_ROWS = 80
ASKED_ROWS = 5
NEAR = 1e-5  # between an example alone and in a batch, relative to the largest answer


def check_host(subject: Subject, module: Any, inputs: Inputs) -> Iterator[Finding]:
    if inputs.task not in ("classification", "regression"):
        return
    train = _rows(inputs)
    given = train["x"].copy()
    before = held_on(module)
    state = module.fit(train, None)
    if not same(train["x"], given):
        yield subject.finding("writes-input", "fit changes the rows that it is given", "to read them", "copy first")
        return
    asked = train["x"][:ASKED_ROWS].copy()
    answers = np.asarray(module.answer(state, asked))
    if not same(asked, given[:ASKED_ROWS]):
        yield subject.finding("writes-input", "answer changes the rows that it is given", "to read them", "copy first")
        return
    if answers.shape != (ASKED_ROWS, inputs.outputs):
        yield subject.finding(
            "output-shape",
            f"the answer to {ASKED_ROWS} examples of {inputs.task} is {list(answers.shape)}",
            f"[{ASKED_ROWS}, {inputs.outputs}]",
            "give a logit for each class, or a value for each target",
        )
        return
    if not np.isfinite(answers).all():
        yield subject.finding("not-finite", "its answers are not finite", "numbers", "bound probabilities above 0")
        return
    if not same(module.answer(state, asked), answers):
        yield subject.finding("not-repeatable", "two calls give different answers", "the same bits", "draw no numbers")
        return
    alone = np.asarray(module.answer(state, asked[2:3]))
    if not np.abs(alone[0] - answers[2]).max() <= NEAR * max(1.0, float(np.abs(answers).max())):
        yield subject.finding(
            "examples-mixed",
            "the answer to an example depends on the others in its batch",
            "answers that know only their own example",
            "learn what all share in fit",
        )
    yield from _bytes(subject, module, state, asked, answers)
    yield from check_sections(subject, module.sections_of, state, dataset_of(inputs, train["x"], train["y"]))
    # The second one, since importing a library may draw as well: of a new model, after others have learned otherwise.
    other = {"x": -train["x"], "y": train["y"][::-1].copy()}
    module.fit(other, None)
    if not same(module.answer(state, asked), answers):
        yield subject.finding(
            "shared",
            "what one fit learned answers otherwise after another fit",
            "a state of its own from each fit",
            "keep nothing on the model or its class that answer reads",
        )
        return
    with elsewhere(*subject.modules), no_global_random(subject, "fit") as drawn:
        again = module.fit(train, None)
    yield from drawn
    if not same(module.answer(again, asked), answers):
        yield subject.finding(
            "not-repeatable",
            "fitting the same rows twice gives different answers",
            "the same bits, since a kill repeats a round",
            "give the library a seed, and the settings that make it deterministic",
        )
    if kept := changed(before, held_on(module)):
        yield subject.finding(
            "state-on-self",
            f"fit or answer changes {', '.join(kept)} of the model",
            "what it learned in the state that fit gives",
            "return it from fit, and take it in answer",
        )


def _bytes(subject: Subject, module: Any, state: Any, asked: Any, answers: Any) -> Iterator[Finding]:
    """A checkpoint holds the bytes alone."""
    dumped = module.dump(state)
    if not isinstance(dumped, bytes) or not dumped:
        yield subject.finding(
            "state", f"dump gave {type(dumped).__name__} of {len(dumped)}", "bytes, not none", "encode what fit learned"
        )
        return
    if dumped[:1] == b"\x80":
        yield subject.finding(
            "state",
            "dump gave a pickle, which can run code when it is loaded",
            "text, JSON or .npz",
            "write what the library calls its own format, or arrays",
        )
        return
    if not same(module.answer(module.load(dumped), asked), answers):
        yield subject.finding(
            "state",
            "what load makes of the bytes of dump answers otherwise",
            "the same bits",
            "dump everything that answer reads",
        )


def _rows(inputs: Inputs) -> dict[str, Any]:
    """Rows that can be learned: the answer is in the first numbers."""
    x = rng().normal(size=(LEARNED_ROWS, *inputs.shape)).astype(np.float32)
    first = x.reshape(LEARNED_ROWS, -1)
    if inputs.task == "classification":
        y: Any = np.argmax(first[:, : inputs.outputs], axis=1).astype(np.int64)
    else:
        y = (first[:, 0] - 2 * first[:, 1]).astype(np.float32)
    return {"x": x, "y": y}
