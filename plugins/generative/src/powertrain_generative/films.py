"""Films as examples: [frames, height, width], with the frame that follows as the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import spaced_examples
from powertrain.plugin import Run
from powertrain_generative.errors import GenerativeError

WHERE = "next-frame"
CHECKED = 500  # films whose pixels are looked at, evenly spaced


def whole_films(source: Any, most: int) -> NDArray[np.float32]:
    """Evenly spaced films of a part, with their targets as the last frames."""
    fields = spaced_examples(source, most)
    x = np.asarray(fields["x"], np.float32)
    return np.concatenate([x, np.asarray(fields["y"], np.float32).reshape(len(x), 1, *x.shape[2:])], axis=1)


def demanded_size(run: Run, past: int) -> tuple[int, int]:
    """Height and width of the frames of films; refuse other data, before anything is trained."""
    dataset, shape = run.dataset, run.dataset.inputs().shape
    if dataset.task != "regression" or len(shape) != 3 or dataset.outputs != shape[1] * shape[2]:
        raise GenerativeError(
            f"[{WHERE}] {dataset.name} has examples {list(shape)} and {dataset.outputs} outputs, for {dataset.task}; "
            "expected films [frames, height, width], and the height * width numbers of the frame that follows as the "
            "target of a regression; use moving-digits, or arrays of that form"
        )
    if past > shape[0]:
        raise GenerativeError(
            f"[{WHERE}] past = {past} for films of {shape[0]} frames; expected at most {shape[0]}; lower strategy.past"
        )
    films = whole_films(dataset.train, CHECKED)
    if films.min() < 0 or films.max() > 1:
        raise GenerativeError(
            f"[{WHERE}] pixels from {films.min():g} to {films.max():g}; expected 0 to 1, of films and of the frames "
            "that follow; divide both, for bytes by 255"
        )
    return shape[1], shape[2]
