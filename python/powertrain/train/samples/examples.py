"""What is shown of a run: samples of a generative model, or what the model says of some examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.source import spaced_examples
from powertrain.io.console import one_line
from powertrain.train.evaluate.evaluation import own_losses
from powertrain.train.evaluate.predict import form_of, model_outputs
from powertrain.train.explain.explanation import is_picture
from powertrain.train.report.judged import pixels_of
from powertrain.train.report.pictures import png, sheet_of
from powertrain.train.samples.sheets import COLUMNS, MOST_BYTES, MOST_LETTERS, MOST_SAMPLES, MOST_SIDE, Sheet

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

SOUND = ".wav"
MOST_NUMBERS = 6  # of an answer or a target
MOST_WORDS = 400  # letters of an example in words


@dataclass
class Shown:
    """The samples of one evaluation: in files, or as a text."""

    sheets: dict[Sheet, bytes] = field(default_factory=dict)
    text: str | None = None


def drawn(run: TrainRun, count: int) -> Shown:
    """Samples of a generative model, drawn from the same random numbers each time: one sees each of them change."""
    strategy, found = run.strategy, Shown()
    made = np.asarray(strategy.sample(run, count, 0))
    pixels = pixels_of(run, made)
    if is_picture(pixels.shape[1:]):
        _add_pictures(found, pixels, ())
    if SOUND in strategy.forms:
        while len(sound := strategy.write(run, made, SOUND)) > MOST_BYTES and len(made) > 1:
            made = made[: len(made) // 2]
        if len(sound) <= MOST_BYTES:
            found.sheets[Sheet("sounds", len(made))] = sound
    if not found.sheets:
        found.text = "\n".join(_numbers(row) for row in made)
    return found


def answered(run: TrainRun, count: int) -> Shown:
    """Examples of the validation part, evenly spaced, with what the model says of them and what they are."""
    dataset, source, found = run.dataset, run.dataset.splits["valid"], Shown()
    fields = spaced_examples(source, count)
    x = fields["x"]
    outputs = model_outputs(run, x)
    pixels = pixels_of(run, x) if dataset.show is None else x
    pictures = dataset.show is None and is_picture(pixels.shape[1:])
    if own_losses(run.strategy) is not None:
        if pictures and outputs[0].size == x[0].size:
            _add_pairs(found, pixels, pixels_of(run, outputs.reshape(x.shape)))
        return found
    if dataset.target is not None:
        outputs = dataset.target.original(outputs)
    pairs = zip(_said(run, outputs), _truth(run, fields.get("y"), len(x)), strict=True)
    titles = [f"{said}, is {truth}" if truth else said for said, truth in pairs]
    if pictures:
        _add_pictures(found, pixels, titles, apart=True)
        return found
    if dataset.show is not None:
        titles = [f"{title}: {dataset.show(one)}" for title, one in zip(titles, x, strict=True)]
    found.text = "\n".join(one_line(title[:MOST_WORDS]) for title in titles)
    return found


def _add_pictures(found: Shown, pixels: NDArray[Any], titles: Sequence[str], apart: bool = False) -> None:
    sheet = sheet_of(pixels, COLUMNS, MOST_SIDE, apart)
    height, width = sheet.shape[0] // -(-len(pixels) // COLUMNS), sheet.shape[1] // min(len(pixels), COLUMNS)
    cut = tuple(one_line(title)[:MOST_LETTERS] for title in titles)
    found.sheets[Sheet("pictures", len(pixels), width, height, cut)] = png(sheet)


def _add_pairs(found: Shown, before: NDArray[Any], after: NDArray[Any]) -> None:
    """Examples, each beside what the model made of it."""
    count = min(len(before), MOST_SAMPLES // 2)
    both = np.stack([before[:count], after[:count]], axis=1).reshape(2 * count, *before.shape[1:])
    _add_pictures(found, both, ("example", "made of it") * count)


def _said(run: TrainRun, outputs: NDArray[Any]) -> list[str]:
    form = form_of(run)
    if form.answer is not None:
        return [", ".join(f"{name} {value}" for name, value in form.answer(row).items()) for row in outputs]
    if form.classes and outputs.shape[1:] == (len(form.classes),):
        return [form.classes[at] for at in outputs.argmax(axis=1)]
    return [_numbers(row) for row in outputs]


def _truth(run: TrainRun, y: NDArray[Any] | None, count: int) -> list[str]:
    """What the examples are, where a person can read it."""
    if y is None or y.dtype.kind not in "biuf" or y.ndim > 2:
        return [""] * count
    if run.dataset.kind.classes and y.ndim == 1:
        return [run.dataset.class_names[at] for at in y]
    return [_numbers(row) for row in y]


def _numbers(row: NDArray[Any]) -> str:
    numbers = np.asarray(row).ravel()
    more = " ..." if numbers.size > MOST_NUMBERS else ""
    return "  ".join(f"{number:.4g}" for number in numbers[:MOST_NUMBERS].tolist()) + more
