"""A few examples that a run keeps as they are, so that its exports are compared on real inputs where the data is gone.

They are data, unlike anything else in the folder but the pictures of the report: `report.sample = 0` keeps none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin.importing import in_words
from powertrain.train.evaluate.predict import example_of
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.train.evaluate.reference import SomeExamples
    from powertrain.train.run.train_run import TrainRun

FILE = "sample.safetensors"
MOST_BYTES = 1 << 20  # of all examples together


def write_sample(run: TrainRun, examples: SomeExamples) -> None:
    """Keep evenly spaced examples of the judged part, before any transform. No mistake in it costs the results."""
    from safetensors.numpy import save

    if run.dataset.kind.plays:
        return
    try:
        part = run.dataset.judged_part
        count = min(run.recipe.report.sample, MOST_BYTES // max(example_of(run).nbytes, 1))
        if not count:
            run.folder.files.remove(FILE)
            return
        made = save({"x": np.ascontiguousarray(examples.of(part, count)["x"])}, {"part": part})
    except Exception as error:  # of whatever kind: data are anybody's
        run.display.warn(f"[{run.folder.path}] no examples are kept for exports: {in_words(error)}")
        return
    run.folder.files.replace(FILE, made)


def read_sample(run: TrainRun) -> NDArray[Any] | None:
    """The examples that a run kept, of the form of its data; None where it kept none."""
    from safetensors.numpy import load

    files, form = run.folder.files, example_of(run)
    try:
        x = load(files.read(FILE, 2 * MOST_BYTES))["x"]
    except FileNotFoundError:
        return None
    except Exception as error:  # of whatever kind: the file may be anybody's
        raise _odd(run, type(error).__name__) from error
    if x.shape[1:] != form.shape or x.dtype != form.dtype or not len(x):
        raise _odd(run, f"{x.dtype}{list(x.shape)}")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise _odd(run, "numbers that are not finite")
    return x


def _odd(run: TrainRun, received: str) -> RunError:
    return RunError(
        f"[{run.folder.path / FILE}] it holds {received}; expected examples that powertrain train kept; remove it: "
        "exports are compared on drawn inputs then"
    )
