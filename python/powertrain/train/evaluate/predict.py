"""`powertrain predict`: a trained run on files of examples."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.data import ArrayDataset, DataError, InputFile
from powertrain.data.frames import in_order
from powertrain.data.in_memory import array_of, with_part
from powertrain.data.reading import Piece, UnaskedArraysError, array_pieces, no_pictures
from powertrain.data.transforms import Transformed
from powertrain.errors.methods import overridden
from powertrain.io.console import one_line
from powertrain.train.evaluate.evaluation import own_losses
from powertrain.train.evaluate.predictions import FEW, Form, Predictions
from powertrain.train.folder.run_folder import RunError
from powertrain.train.report.judged import gives_probabilities

if TYPE_CHECKING:
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.run.train_run import TrainRun

# Examples of one run of the program. What is left is filled up to the next power of two, so that programs stay few.
BATCH = 256
# Inputs that are read at once, in bytes; of large examples at least a few, of small ones no more rows than this.
PIECE_BYTES, PIECE_ROWS = 1 << 24, 4096
_MOST = np.finfo(np.float32).max


def answered(run: TrainRun, given: InputFile, columns: Sequence[str] = ()) -> Iterator[Predictions]:
    """Answers to the examples of a file, a folder or standard input, piece by piece: memory does not grow with them.
    Columns of a table stand beside the answers as they stand in the file."""
    if columns and given.path is None:  # which is read twice
        for _, path in given.files((".csv",)):
            yield from answered(run, InputFile(path), columns)
        return
    beside = _Beside(run, given, columns) if columns else None
    for rows, x, told in _read(run, given):
        said = _answer(run, x, told, rows)
        if beside is not None:
            said = beside.added(said)
        yield said


class _Beside:
    """Columns of a file, for as many rows as were answered at once."""

    def __init__(self, run: TrainRun, given: InputFile, columns: Sequence[str]) -> None:
        if run.dataset.beside is None or given.arrays:
            raise DataError(
                "predict", f"the column {columns[0]} of {given.name}", "expected a table, whose rows have columns",
                "leave id out: predictions are named by the file, or by the number of the row",
            )  # fmt: skip
        self._columns = columns
        self._pieces = run.dataset.beside(given, columns)
        self._held: dict[str, list[Any]] = {name: [] for name in columns}

    def added(self, said: Predictions) -> Predictions:
        """The answers with their rows of the columns."""
        count, held = len(said), self._held
        twice = [name for name in self._columns if name in said.table()]
        if twice:
            raise DataError(
                "predict", f"the column {twice[0]}, which the predictions have too", "expected another name",
                "rename it in the file",
            )  # fmt: skip
        while len(held[self._columns[0]]) < count:
            for name, values in next(self._pieces).items():
                held[name] += values
        now = {name: values[:count] for name, values in held.items()}
        self._held = {name: values[count:] for name, values in held.items()}
        return said.with_columns(now)


def _read(run: TrainRun, given: InputFile) -> Iterator[tuple[NDArray[np.int64], NDArray[Any], Told]]:
    """The checked examples of a file piece by piece, with their numbers and how errors name them; at least one."""
    done = 0
    for names, x in _gathered(_pieces(run, given), _rows_at_once(run)):
        told = Told(given.name, names, done)
        yield np.arange(done, done + len(x)), _checked(run, x, told), told
        done += len(x)
    if not done:
        raise _empty(given)


def answer(run: TrainRun, given: Any, checked: bool = False) -> Predictions:
    """Answers to examples in memory, which may be checked already; one example alone is a batch of one."""
    if not checked:
        return _answer(run, checked_examples(run, given), IN_MEMORY)
    if len(given) > 1:
        return _answer(run, given, IN_MEMORY)
    plan = run.evaluations.row
    found = None if plan is None else plan(run, given)
    if found is None:
        found = _answer(run, given, IN_MEMORY)
        run.evaluations.row = RowPlan.of(run)
    return found


class RowPlan:
    """Answers to one checked example, by what `answer` finds each time: its program, its form, the transforms. For a
    small model that takes longer than the answer. It gives None where anything of it has changed, or where the answer
    is an error: `answer` finds it anew, and says what is wrong."""

    def __init__(self, program: Any, settled: tuple[int, int], form: Form) -> None:
        self._program, self._settled, self._form = program, settled, form

    @classmethod
    def of(cls, run: TrainRun) -> RowPlan | None:
        found = run.evaluations.settled(run.strategy.predict, ("x",), 1)
        return None if found is None else cls(*found, form_of(run))

    def __call__(self, run: TrainRun, x: NDArray[Any]) -> Predictions | None:
        program, dataset = self._program, run.dataset
        # Another form is that of another strategy, data set, decision or model.
        if self._settled != (_core.facts_epoch(), program.traces) or form_of(run) is not self._form:
            return None
        for transform in dataset.transforms:
            x = transform(x)
        found = run.evaluations.decision.calibrated(program(x).numpy().copy())
        if program.traces != self._settled[1]:
            return None
        if dataset.target is not None:
            found = dataset.target.original(found)
        # A sum of few numbers is a third of the way that NumPy goes; it is not finite where one of them is not.
        finite = math.isfinite(sum(found.ravel().tolist())) if found.size <= FEW else np.isfinite(found).all()
        return Predictions(found, self._form) if finite else None


def checked_examples(run: TrainRun, given: Any) -> NDArray[Any]:
    """Examples in memory, or those of a file or a folder, as the data set has them before its transforms."""
    if not isinstance(given, (str, Path)):
        return _checked(run, _encoded(run, given), IN_MEMORY)
    return np.concatenate([x for _, x, _ in _read(run, InputFile(Path(given)))])


def means_file(run: TrainRun, text: str) -> bool:
    """Whether a text means a file to be measured on, and not a part."""
    path = Path(text)
    known = run.dataset.labelled is not None and text not in run.dataset.splits
    return known and (path.is_file() or path.suffix in (".csv", ".tsv", ".gz", ".parquet"))


def measured_on(run: TrainRun, data: Any) -> Evaluation:
    """Measure a run on data of a caller's as `fit` takes them, or on a file or a table with targets. The examples are
    transformed as those of the run's parts are, by what was fitted on the training part."""
    if isinstance(data, Path) and run.dataset.labelled is None:
        raise RunError(
            f"[evaluate] received {one_line(data)}, and this run was not trained on a table; expected a table, whose "
            "rows have targets; read the examples in Python: pt.load(folder).evaluate((x, y))"
        )
    dataset, evaluator = run.dataset, run.evaluations.evaluator
    source = with_part(dataset, "data", with_targets(run, data)).splits["data"]
    return evaluator.on(Transformed(source, dataset.chain) if dataset.chain else source, "data")  # type: ignore[union-attr]


def with_targets(run: TrainRun, given: Any) -> Any:
    """Inputs and targets of a file or of a table in memory, where the data set reads such; else what was given."""
    if run.dataset.labelled is None:
        return given
    found = run.dataset.labelled(InputFile(Path(given)) if isinstance(given, (str, Path)) else given)
    return given if found is None else ArrayDataset(x=found[0], y=found[1])


def _empty(given: InputFile) -> DataError:
    return DataError("predict", f"{given.name} without an example", "expected some", "check that it is the right file")


def answers_of_file(run: TrainRun, path: Path) -> Predictions:
    """Answers to all examples of a file or a folder."""
    parts = list(answered(run, InputFile(path)))
    names = tuple(name for part in parts for name in part.names)
    return Predictions(np.concatenate([part.outputs for part in parts]), form_of(run), names)


def form_of(run: TrainRun) -> Form:
    """What the outputs of a run are: as its strategy says, or else its task. It is kept, since a request to a small
    model notices how long it takes to find."""
    made_of = run.dataset, run.strategy, run.evaluations.decision, run.table.modules.get("model")
    kept = run.evaluations.form
    if kept is None or not all(map(operator.is_, kept[0], made_of)):
        kept = run.evaluations.form = made_of, _form_of(run)
    return kept[1]


def _form_of(run: TrainRun) -> Form:
    dataset, strategy = run.dataset, run.strategy
    unit = "" if dataset.target is None else dataset.target.unit
    if overridden(strategy, "answer"):
        return Form(answer=strategy.answer)
    # Answers that are not held to targets of the data are no classes of it.
    if own_losses(strategy) is not None or dataset.kind.plays:
        return Form()
    if overridden(dataset.kind, "answer"):
        return Form(unit=unit, answer=functools.partial(dataset.kind.answer, dataset))
    if not dataset.kind.classes:
        return Form((), gives_probabilities(run), unit)
    return Form(run.dataset.class_names, gives_probabilities(run), unit, decision=run.evaluations.decision)


@dataclass(frozen=True)
class Told:
    """How errors name an example: by its file, or its row."""

    name: str = ""
    names: Sequence[str] = ()
    first: int = 0  # the number of the first row

    def example(self, row: int) -> str:
        if self.names:
            return str(self.names[row])
        return f"row {self.first + row:,}" + (f" of {self.name}" if self.name else "")


IN_MEMORY = Told()


def _encoded(run: TrainRun, given: Any) -> NDArray[Any]:
    dataset = run.dataset
    if dataset.encode is not None:
        made = dataset.encode(given)
        if made is not None:
            return made
    if type(given) is np.ndarray:
        return array_of(given, "predict")
    if any(hasattr(one, "getbands") for one in (given if isinstance(given, (list, tuple)) else (given,))):
        raise no_pictures("predict", "a picture of Pillow")
    if hasattr(given, "iloc") and not hasattr(given, "columns"):  # a row of a frame, by the names of its columns
        named = {str(name): value for name, value in given.items()}
        given = named if dataset.columns and {*dataset.columns} <= {*named} else given
    if isinstance(given, Mapping):
        given = _columns(dataset.columns or tuple(map(str, given)), given)
    return array_of(in_order(given, dataset.columns, "predict"), "predict")


def _columns(names: Sequence[str], given: Mapping[str, Any]) -> NDArray[Any]:
    lacking = [name for name in names if name not in given]
    if lacking:
        raise DataError(
            "predict", f"columns {', '.join(map(str, given))}", f"expected {', '.join(names[:12])}",
            f"give the column {lacking[0]}",
        )  # fmt: skip
    made = [np.asarray(given[name]) for name in names]
    other = next((at for at, column in enumerate(made) if column.shape[:1] != made[0].shape[:1]), None)
    if other is not None:
        raise DataError(
            "predict", f"{made[0].size:,} of {names[0]} and {made[other].size:,} of {names[other]}",
            "expected columns of one length", "check the dict",
        )  # fmt: skip
    return np.column_stack(made)


def _pieces(run: TrainRun, given: InputFile) -> Iterator[Piece]:
    """The examples of a file as the data set's own `read` gives them. It is asked first: of arrays that it does not
    ask for, those of a table have its columns in their order, and others are read as they are."""
    dataset = run.dataset
    if dataset.read is not None:
        try:
            yield from dataset.read(given, _rows_at_once(run))
            return
        except UnaskedArraysError:
            pass
    shape = example_of(run).shape if dataset.raw is None else (len(dataset.takes),)
    for x in array_pieces(given, shape, _rows_at_once(run)):
        if x.ndim == 0:
            raise DataError("predict", f"{given.name} holds one number", "expected examples", "save an array of them")
        made = None if dataset.raw is None or dataset.encode is None else dataset.encode(x)
        yield (), x if made is None else made


def _gathered(pieces: Iterable[Piece], count: int) -> Iterator[Piece]:
    """Pieces of about so many rows, made of smaller ones: a file is often one example."""
    names: list[str] = []
    held: list[NDArray[Any]] = []
    rows = 0
    for called, x in pieces:
        if held and (rows >= count or x.shape[1:] != held[0].shape[1:]):
            yield names, np.concatenate(held)
            names, held, rows = [], [], 0
        names += called
        held.append(x)
        rows += len(x)
    if held:
        yield names, np.concatenate(held)


def example_of(run: TrainRun) -> NDArray[Any]:
    """One example of the training part, below its transforms: it says what others must look like. Of a run that plays
    in an environment it is an observation of zeros."""
    if run.dataset.kind.plays:
        form = run.dataset.inputs()
        return np.zeros(form.shape, form.dtype)
    return run.dataset.example


def _rows_at_once(run: TrainRun) -> int:
    return max(1, min(PIECE_ROWS, PIECE_BYTES // max(1, example_of(run).nbytes)))


def _checked(run: TrainRun, x: NDArray[Any], told: Told) -> NDArray[Any]:
    """Examples of the shape that the run knows, whose numbers are finite in float32 too, in which a model computes."""
    example = example_of(run)
    if x.shape == example.shape:
        x = x[None]
    if x.shape[1:] != example.shape or not len(x):
        held = f"{told.name} holds " if told.name else ""
        raise DataError(
            "predict", f"{held}{x.dtype}{list(x.shape)}",
            f"expected {'one example or more, numbers' if x.shape[:1] == (0,) else 'numbers'} of shape "
            f"{['examples', *example.shape]}".replace("'", ""),
            f"{'save them with numpy.save(path, x)' if held else 'give them'} as the data set has them: after "
            "transforms of your own, such as those of an ImageFolder, and before features of the recipe",
        )  # fmt: skip
    # NaN and infinity are above it, too: one look at all examples, since a request notices how long each look takes.
    if x.dtype.kind == "f" and not np.maximum.reduce(np.abs(x), axis=None, initial=0) <= _MOST:
        flat = x.reshape(len(x), -1)
        gap = "NaN" if np.isnan(flat).any() else "infinity"
        _demand(np.isfinite(flat).all(axis=1), gap, "finite numbers", told, "remove those rows or fill the gaps first")
        _demand(
            np.abs(flat).max(axis=1, initial=0) <= _MOST, "a number beyond 3.4e38",
            "numbers that float32 holds", told, "remove those rows, or scale them as the training data is",
        )  # fmt: skip
    return x.astype(example.dtype) if x.dtype.kind == example.dtype.kind == "f" else x


def _demand(good: NDArray[np.bool_], received: str, wanted: str, told: Told, fix: str) -> None:
    """Refuse the first example that is not good."""
    if not good.all():
        where = told.example(int(np.flatnonzero(~good)[0]))
        raise DataError("predict", f"{received} in {where}", f"expected {wanted}", fix)


def _answer(run: TrainRun, x: NDArray[Any], told: Told, rows: NDArray[np.int64] | None = None) -> Predictions:
    made = outputs(run, x, told)
    return Predictions(made, form_of(run), tuple(told.names), rows)


def transformed(run: TrainRun, x: NDArray[Any]) -> NDArray[Any]:
    """Examples as the model gets them, from what the data set has."""
    for transform in run.dataset.transforms:
        x = transform(x)
    return x


def model_outputs(run: TrainRun, x: NDArray[Any]) -> NDArray[Any]:
    """The outputs for examples after the transforms: where targets have a scale, in the unit of that; of classes, as
    the run has calibrated them."""
    return run.evaluations.decision.calibrated(own_outputs(run, x))


def own_outputs(run: TrainRun, x: NDArray[Any]) -> NDArray[Any]:
    """What the model alone gives for examples after the transforms."""
    if len(x) == 1:  # as a server asks most: there is nothing to fill up or to join
        return run.predict(x)
    parts = []
    for start in range(0, len(x), BATCH):
        part = x[start : start + BATCH]
        size = 1 << (len(part) - 1).bit_length()
        padded = np.resize(part, (size, *part.shape[1:])) if len(part) < size else part
        parts.append(run.predict(padded)[: len(part)])
    return np.concatenate(parts)


def outputs(run: TrainRun, x: NDArray[Any], told: Told = IN_MEMORY) -> NDArray[Any]:
    """The model's outputs, in the unit of the targets, for examples as the data set has them before its transforms."""
    found = model_outputs(run, transformed(run, x))
    if run.dataset.target is not None:
        found = run.dataset.target.original(found)
    finite = np.isfinite(found)
    if not np.logical_and.reduce(finite, axis=None):
        _demand(finite.reshape(len(found), -1).all(axis=1), "an answer that is not finite", "finite numbers",
                told, "give an example that is closer to the training data")  # fmt: skip
    return found
