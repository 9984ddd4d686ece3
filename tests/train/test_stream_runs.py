"""Runs on a stream of unknown length: they train, resume to the same bits, and say what a stream cannot give."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import (
    ArrayDataset,
    ConcatDataset,
    DataError,
    DataLoader,
    DataModule,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Standardize,
    Subset,
    random_split,
)
from powertrain.data.head import Head, stream_of
from powertrain.train.folder.run_folder import RunError

STREAMED = """
import numpy as np
from powertrain.data import ArrayDataset, DataModule, IterableDataset
from powertrain.plugin import Data


class Lines(IterableDataset):
    epoch = 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        draw = np.random.Generator(np.random.Philox(key=[7, self.epoch]))
        for number in range(int(draw.integers(60, 90))):
            yield {"x": (draw.normal(size=4) + number % 3).astype("f4"), "y": number % 3}


class Streamed(Data):
    @classmethod
    def build(cls, params, base):
        held = [example for example, _ in zip(Lines(), range(48))]
        valid = ArrayDataset(x=np.stack([one["x"] for one in held]), y=np.array([one["y"] for one in held]))
        return DataModule("streamed", "classification", {"train": Lines(), "valid": valid}, 3)
"""
RECIPE = """
data      = { use = "./streamed.py:Streamed" }
features  = [{ use = "standardize" }]
model     = { use = "linear" }
optimizer = { use = "sgd", lr = 0.1 }
run       = { until = "STEPS steps", batch_size = 16 }
"""


def recipe(folder: Path, steps: int) -> str:
    (folder / "streamed.py").write_text(STREAMED, encoding="utf-8")
    path = folder / f"{steps}.toml"
    path.write_text(RECIPE.replace("STEPS", str(steps)), encoding="utf-8")
    return str(path)


def weights(run: Any) -> list[Any]:
    return [slot.numpy().copy() for _, slot in run.model.named_parameters()]


def test_a_run_on_a_stream_learns_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    whole = pt.fit(recipe(tmp_path, 40), folder=tmp_path / "whole", verbose=False)
    assert whole.evaluate()["valid"]["accuracy"] > 0.6
    pt.fit(recipe(tmp_path, 23), folder=tmp_path / "parts", verbose=False)
    resumed = pt.fit(recipe(tmp_path, 40), folder=tmp_path / "parts", resume=True, verbose=False)
    assert all(map(np.array_equal, weights(whole), weights(resumed)))


class Numbers(IterableDataset):
    def __iter__(self) -> Iterator[Any]:
        yield from ((np.full(2, n, np.float32), float(n)) for n in range(10_000))


def module() -> DataModule:
    return DataModule("numbers", "regression", {"train": Numbers()}, 1)  # type: ignore[dict-item]


def test_what_looks_at_rows_sees_the_first_ones() -> None:
    made = module()
    assert len(made.train) == 4096 and made.inputs().shape == (2,)
    assert made.train.fetch(np.array([3, 1]))["y"].tolist() == [3.0, 1.0]
    scaled = made.transformed([(Standardize, Standardize.Params())])
    stream = stream_of(scaled.train)
    assert stream is not None
    first = next(iter(stream))
    np.testing.assert_array_equal(first["x"], scaled.train.fetch(np.array([0]))["x"][0])
    assert first["y"] == 0


def test_a_source_is_no_stream() -> None:
    source = ArrayDataset(x=np.zeros((3, 2)), y=np.zeros(3))
    assert stream_of(source) is None
    assert DataModule("rows", "regression", {"train": source}, 1).train is source


class Endless(IterableDataset):
    def __iter__(self) -> Any:
        for number in itertools.count():
            yield {"x": np.full(3, number % 7, np.float32), "y": np.float32(number % 3)}


class Ending(IterableDataset):
    def __len__(self) -> int:
        return 30

    def __iter__(self) -> Any:
        return itertools.islice(iter(Endless()), 30)


@pytest.mark.parametrize("features", [[], [{"use": "standardize"}]])
def test_a_pass_over_a_stream_needs_one_that_ends(features: Any) -> None:
    """Full batches sum over all examples: of a stream without a length they would never end."""
    pytest.importorskip("powertrain_tabular", reason="the strategy is powertrain-tabular's")
    settings: dict[str, Any] = {
        "model": "linear", "strategy": {"use": "least-squares"}, "features": features, "run": {"until": "1 round"},
        "report": {"baseline": False}, "verbose": False,
    }  # fmt: skip
    run = pt.fit(data=DataModule("drops", "regression", {"train": Ending()}, 1), **settings)
    assert run.evaluate()["train"]["mse"] < 1
    with pytest.raises(RunError) as error:
        pt.fit(data=DataModule("drops", "regression", {"train": Endless()}, 1), **settings)
    assert str(error.value) == (
        "[run.fold] received a stream without a length; expected examples that end, since the sums are over all of "
        "them; define __len__, or learn from batches, by run.loop"
    )


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: random_split(Endless(), [0.5, 0.5]), "random_split"),  # type: ignore[arg-type]
        (lambda: Subset(Endless(), [0, 1]), "Subset"),  # type: ignore[arg-type]
        (lambda: ConcatDataset([Endless()]), "ConcatDataset"),  # type: ignore[list-item]
        (lambda: RandomSampler(Endless()), "RandomSampler"),  # type: ignore[arg-type]
        (lambda: SequentialSampler(Endless()), "SequentialSampler"),  # type: ignore[arg-type]
    ],
)
def test_what_counts_examples_names_the_stream(make: Any, where: str) -> None:
    with pytest.raises(DataError) as error:
        make()
    assert str(error.value) == (
        f"[{where}] a data set of type Endless without a length; expected __len__ and __getitem__; of a stream, take "
        "as many examples as you need into a list: list(itertools.islice(stream, 1000))"
    )


@pytest.mark.parametrize("settings", [{"sampler": itertools.cycle([0, 1])}, {"batch_sampler": itertools.repeat([0])}])
def test_the_rows_of_an_epoch_end(settings: Any) -> None:
    with pytest.raises(DataError) as error:
        next(iter(DataLoader(np.zeros((2, 3)), **settings)))
    assert str(error.value) == (
        f"[DataLoader] more than 4,194,303 rows of a {type(next(iter(settings.values()))).__name__} without a length; "
        "expected the rows of one epoch, which end; limit it, or define __len__"
    )


def test_what_a_stream_cannot_do_is_said() -> None:
    with pytest.raises(DataError) as error:
        module().split({"valid": 0.1})
    assert str(error.value) == (
        "[split] the stream of numbers; expected parts of its own; give them beside it: "
        "validation=(x, y), or DataModule(name, task, {'train': stream, 'valid': dataset}, outputs)"
    )
    with pytest.raises(DataError) as error:
        len(Head(iter(())))  # type: ignore[arg-type]
    assert str(error.value).startswith(
        "[tuple_iterator] a stream without an example; expected some; start a new iteration in each __iter__"
    )


class EndlessPairs(IterableDataset):
    """Pairs without end, in float64 as NumPy draws them."""

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        draw = np.random.default_rng(0)
        while True:
            x = draw.normal(size=3)
            yield x, int(x[0] > 0)


HELD_OUT = np.eye(3), np.array([1, 0, 0])


def test_fit_takes_an_endless_stream() -> None:
    model = pt.nn.Linear(3, 2)
    run = pt.fit(
        model=model, data=EndlessPairs(), validation=HELD_OUT, steps_per_epoch=40, epochs=3, lr=0.1, batch_size=16,
        verbose=False,
    )  # fmt: skip
    assert [one["step"] for one in run.history] == [40, 80, 120]
    assert model.weight.dtype == pt.float32 and run.evaluate()["train"]["accuracy"] > 0.9
    again = pt.fit(
        model=pt.nn.Linear(3, 2), data=DataLoader(EndlessPairs(), batch_size=16), validation=HELD_OUT, steps=120,
        lr=0.1, verbose=False,
    )  # fmt: skip
    assert again.run.recipe.run.batch_size == 16 and again.run.progress.steps == 120


def test_numbers_to_predict_and_weights_of_a_stream() -> None:
    class Rows:
        def __iter__(self) -> Iterator[dict[str, Any]]:
            for number in range(50):
                yield {"x": np.full(2, number / 50), "y": number / 50, "weight": float(number % 2)}

    run = pt.fit(model=pt.nn.Linear(2, 1), data=Rows(), steps=200, lr=0.05, verbose=False)
    assert run.run.dataset.task == "regression" and run.history[-1]["train.loss"] < 1e-2


def test_steps_of_an_epoch_of_examples_in_memory() -> None:
    data = np.ones((30, 3)), np.arange(30) % 2
    run = pt.fit(model=pt.nn.Linear(3, 2), data=data, steps_per_epoch=5, verbose=False, epochs=2)
    assert [one["step"] for one in run.history] == [5, 10]
    run = pt.fit(model=pt.nn.Linear(3, 2), data=data, steps_per_epoch=np.int64(5), verbose=False, steps=8)
    assert run.run.progress.steps == 8


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"data": (example for example in [([1.0], 0)])},
         "[data] a generator, which can be read only once; expected a stream that starts again for each epoch; derive "
         "from pt.data.IterableDataset, and iterate in its __iter__"),
        ({"data": EndlessPairs(), "epochs": 2},
         "[run.until] received 2 epochs; the data is drawn at random, or a stream, and has no epochs; expected steps "
         'or tokens; write until = "2_000 steps", or steps=2_000 in pt.fit'),
        ({"data": EndlessPairs(), "steps": 5, "sample_weight": [1.0]},
         "[sample_weight] weights for arrays, a stream; expected examples that have a length; give each example a "
         "field weight"),
        ({"data": EndlessPairs(), "steps_per_epoch": 0},
         "[fit] received steps_per_epoch=0; expected a whole number >= 1; such as 100"),
        ({"data": EndlessPairs(), "steps": 5, "epochs": 5},
         "[fit] received epochs=5 and steps=5; expected one of them; leave one out"),
    ],
)  # fmt: skip
def test_what_fit_refuses_of_a_stream(given: dict[str, Any], said: str) -> None:
    with pytest.raises(pt.Error) as error:
        pt.fit(model=pt.nn.Linear(3, 2), verbose=False, **given)
    assert str(error.value) == said
