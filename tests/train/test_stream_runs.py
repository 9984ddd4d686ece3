"""Runs on a stream of unknown length: they train, resume to the same bits, and say what a stream cannot give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataError, DataModule, IterableDataset, Standardize
from powertrain.data.head import Head, stream_of

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
run       = { until = "STEPS steps", batch = 16 }
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


def test_what_a_stream_cannot_do_is_said() -> None:
    with pytest.raises(DataError) as error:
        module().split({"valid": 0.1})
    assert str(error.value) == (
        "[split] the stream of numbers; expected parts of its own; give them beside it: DataModule(name, task, "
        "{'train': stream, 'valid': dataset}, outputs)"
    )
    with pytest.raises(DataError) as error:
        len(Head(iter(())))  # type: ignore[arg-type]
    assert str(error.value).startswith("[tuple_iterator] a stream without an example; expected some; iterate anew")
