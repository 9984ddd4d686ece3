"""`powertrain predict`: a trained run on a file of examples, or on a text that it continues."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError
from powertrain.data.formats import read_arrays, read_text
from powertrain.data.in_memory import array_of
from powertrain.data.source import check_finite
from powertrain.io.console import one_line, say
from powertrain.io.plain_json import dumps
from powertrain.train.evaluate.writing import write

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

BATCH = 256
CONTINUATION = 400
TEMPERATURE = 0.8


def predict(path: Path, file: Path, as_json: bool, trust: bool = False) -> int:
    """Print one line for each example of a file (.npy, x of an .npz, or of the data's own kind), or continue a text."""
    from powertrain.train.evaluate.review import open_run

    trained = open_run(path, trust)
    dataset = trained.run.dataset
    if dataset.kind.tokens:
        text = trained.predict(read_text(file, "predict"))
        say(dumps({"text": text}) if as_json else text)
        return 0
    for number, row in enumerate(dataset.kind.answer(dataset, output) for output in trained.predict(file)):
        words = "  ".join(one_line(value) for value in row.values())
        say(dumps(row) if as_json else f"{number:>6}  {words}")
    return 0


def examples_of_file(run: TrainRun, file: Path) -> NDArray[Any]:
    """The raw examples of a file, as the data set has them before its transforms."""
    if run.dataset.read is not None and file.suffix not in (".npy", ".npz"):
        return _held(run.dataset.read(file))
    arrays = read_arrays(file, "predict")
    return examples(run, arrays["x"] if "x" in arrays else next(iter(arrays.values())), f"{file} holds ")


def examples(run: TrainRun, given: Any, what: str = "") -> NDArray[Any]:
    """The same from an array; one example alone becomes a batch of one."""
    x = array_of(given, "predict")
    # One example of the training part, read below its transforms, says what the array must look like.
    source: Any = run.dataset.train
    while hasattr(source, "source"):
        source = source.source
    example = source.fetch(np.zeros(1, dtype=np.int64))["x"]
    shape = example.shape[1:]
    if x.shape == shape:
        x = x[None]
    if x.shape[1:] != shape or not len(x):
        raise DataError(
            "predict",
            f"{what}{x.dtype}{list(x.shape)}",
            f"expected numbers of shape {['examples', *shape]}".replace("'", ""),
            "save them with numpy.save(path, x), as the data set has them before any transform"
            if what else "give them as the data set has them before any transform",
        )  # fmt: skip
    x = _held(x)
    return x.astype(example.dtype) if x.dtype.kind == example.dtype.kind == "f" else x


def _held(x: NDArray[Any]) -> NDArray[Any]:
    """Examples whose numbers are finite in float32 too, in which a model computes."""
    check_finite(x, "predict")
    large = np.abs(x.reshape(len(x), -1)).max(axis=1, initial=0) > np.finfo(np.float32).max
    if large.any():
        row = int(np.flatnonzero(large)[0])
        raise DataError(
            "predict", f"a number beyond 3.4e38 in row {row}", "expected numbers that float32 holds",
            "remove those rows, or scale them as the training data is",
        )  # fmt: skip
    return x


def outputs(run: TrainRun, x: NDArray[Any]) -> NDArray[Any]:
    """The run's answers to examples as the data set has them before its transforms."""
    for transform in run.dataset.transforms:
        x = transform(x)
    parts = []
    for start in range(0, len(x), BATCH):
        rows = x[start : start + BATCH]
        # One batch shape, so that one program serves a file of any length.
        padded = np.resize(rows, (BATCH, *rows.shape[1:])) if len(rows) < BATCH else rows
        parts.append(run.predict(padded)[: len(rows)])
    answers = np.concatenate(parts)
    wrong = ~np.isfinite(answers.reshape(len(answers), -1)).all(axis=1)
    if wrong.any():
        raise DataError(
            "predict", f"the answer to row {int(np.flatnonzero(wrong)[0])} is not finite", "expected finite numbers",
            "bring the row nearer to what the model was trained on",
        )  # fmt: skip
    return answers


def continued(run: TrainRun, prompt: str) -> str:
    """A text, continued by a language model."""
    vocabulary, context = run.dataset.vocabulary, run.dataset.context
    assert vocabulary is not None and context is not None
    tokens = write(run.predict, vocabulary.encode(prompt or "\n"), context, CONTINUATION, TEMPERATURE, seed=0)
    return prompt + str(vocabulary.decode(tokens))
