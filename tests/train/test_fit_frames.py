"""Data frames of numbers in pt.fit: columns go by their names, in whatever order they come later; and loaders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import BatchSampler, DataError, DataLoader, RandomSampler, SequentialSampler, TensorDataset

PLAIN: dict[str, Any] = {"report": {"baseline": False}, "verbose": False, "epochs": 2, "batch_size": 8, "lr": 0.05}
NAMES = ["age", "größe", "c d"]


def model() -> Any:
    return pt.nn.Linear(3, 3, generator=pt.random.Generator(4))


def rows(count: int = 32) -> tuple[Any, Any]:
    draw = np.random.default_rng(1)
    return draw.normal(size=(count, 3)).astype(np.float32), draw.integers(0, 3, count)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_columns_go_by_name(library: str, tmp_path: Path) -> None:
    frames = pytest.importorskip(library, reason=f"{library} is not installed")
    make = frames.table if library == "pyarrow" else frames.DataFrame
    x, y = rows()
    columns = {name: x[:, at] for at, name in enumerate(NAMES)}
    turned = make({"id": [f"a{at}" for at in range(32)], **{name: columns[name] for name in NAMES[::-1]}})
    run = pt.fit(model=model(), data=(make(columns), y), folder=tmp_path / "run", **PLAIN)
    assert run.run.dataset.columns == tuple(NAMES)
    wanted = pt.fit(model=model(), data=(x, y), **PLAIN).predict(x).outputs
    for given in (make(columns), turned, x, columns, {**columns, "id": y}):
        assert np.array_equal(run.predict(given).outputs, wanted)
    assert run.evaluate((turned, y)) == run.evaluate((x, y))
    opened = pt.load(tmp_path / "run", model=model())
    assert np.array_equal(opened.predict(turned).outputs, wanted)
    parts = {"valid": (turned, y), "train": (make(columns), y)}
    by_part, beside = (
        pt.fit(model=model(), data=data, validation=held, **PLAIN).evaluate("valid")
        for data, held in ((parts, None), ((make(columns), y), (turned, y)))
    )
    assert by_part == beside == run.evaluate((x, y))
    with pytest.raises(DataError) as caught:
        run.predict(make({"age": x[:, 0], "größe": x[:, 1], "other": x[:, 2]}))
    assert str(caught.value) == ("[predict] columns age, größe, other; expected age, größe, c d; give the column c d")


def test_columns_without_names_go_by_place() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    x, y = rows()
    run = pt.fit(model=model(), data=(pandas.DataFrame(x), y), **PLAIN)
    assert run.run.dataset.columns == ()
    wanted = run.predict(x).outputs
    for names in (["a", "b", "c"], [5, 6, 7]):
        assert np.array_equal(run.predict(pandas.DataFrame(x, columns=names)).outputs, wanted)
    assert np.array_equal(run.predict(pandas.DataFrame(x)[[2, 0, 1]]).outputs, wanted)  # which were moved
    moved = pt.fit(model=model(), data=(pandas.DataFrame(x)[[2, 0, 1]], y), **PLAIN)
    expected = moved.predict(x[:, [2, 0, 1]]).outputs
    for given in (pandas.DataFrame(x), pandas.DataFrame(x)[[2, 0, 1]], pandas.DataFrame(x)[[1, 2, 0]]):
        assert np.array_equal(moved.predict(given).outputs, expected)


def test_two_columns_of_one_name_are_refused() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    x, y = rows()
    twice = pandas.DataFrame(x, columns=["a", "a", "b"])
    run = pt.fit(model=model(), data=(x, y), **PLAIN)
    said = "two columns a; expected a name for each column; rename one, or leave one out"
    for call, where in (
        (lambda: pt.fit(model=model(), data=(twice, y), **PLAIN), "train x"),
        (lambda: run.predict(twice), "predict"),
        (lambda: run.evaluate((twice, y)), "data x"),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert str(caught.value) == f"[{where}] {said}"


def test_targets_and_weights_in_another_order_are_refused() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    x, y = rows()
    frame, targets = pandas.DataFrame(x, columns=NAMES), pandas.Series(y)
    turned = targets[::-1]
    run = pt.fit(model=model(), data=(frame, targets), **PLAIN)
    weights = pandas.Series(np.ones(32), index=turned.index)
    for call, where, what in (
        (lambda: pt.fit(model=model(), data=(frame, turned), **PLAIN), "train", "targets"),
        (lambda: pt.fit(model=model(), data=(frame, y), validation=(frame, turned), **PLAIN), "valid", "targets"),
        (lambda: pt.fit(model=model(), data=(frame, y), sample_weight=weights, **PLAIN), "sample_weight", "weights"),
        (lambda: run.evaluate((frame, turned)), "data", "targets"),
        (lambda: run.explain(frame, turned, method="permutation"), "explain", "targets"),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert str(caught.value) == (
            f"[{where}] {what} whose index has the rows of x in another order, 31 in row 0 and not 0; expected one "
            f"order, since rows are matched by place; write {what}.loc[x.index], or {what}.to_numpy() if they are in "
            "order"
        )
    # Rows of other numbers, or of numbers that are not unique, go by place as those of arrays do.
    for index in (np.arange(32) + 1, np.zeros(32)):
        other = pandas.Series(y, index=index)
        assert run.evaluate((frame, other)) == run.evaluate((frame, targets))


def test_a_row_of_a_frame_goes_by_its_names() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    x, y = rows()
    frame = pandas.DataFrame(x, columns=NAMES)
    run = pt.fit(model=model(), data=(frame, y), **PLAIN)
    wanted = run.predict(x[:1]).outputs
    for row in (frame.iloc[0], frame.iloc[0][NAMES[::-1]], dict(frame.iloc[0])):
        assert np.array_equal(run.predict(row).outputs, wanted)
    with pytest.raises(DataError) as caught:
        run.predict({"age": [1.0, 2.0], "größe": [1.0, 2.0], "c d": [1.0]})
    assert str(caught.value) == "[predict] 2 of age and 1 of c d; expected columns of one length; check the dict"


def test_a_run_goes_on_with_an_array_in_place_of_the_frame(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    x, y = rows()
    frame = pandas.DataFrame(x, columns=NAMES)
    pt.fit(model=model(), data=(x, y), folder=tmp_path / "run", **PLAIN)
    longer = pt.fit(model=model(), data=(frame, y), folder=tmp_path / "run", resume=True, **{**PLAIN, "epochs": 3})
    assert longer.finished


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sampler": pt.data.SubsetRandomSampler([0, 1, 2])}, "with a SubsetRandomSampler"),
        ({"sampler": pt.data.WeightedRandomSampler(np.ones(32), 32)}, "with a WeightedRandomSampler"),
        ({"sampler": RandomSampler(range(32), num_samples=4)}, "with a RandomSampler of other rows than each once"),
        ({"sampler": RandomSampler(range(32), replacement=True)}, "with a RandomSampler of other rows than each once"),
        ({"sampler": [0, 1, 2]}, "with a list"),
        ({"batch_sampler": BatchSampler(SequentialSampler(range(32)), 8, False)}, "with a BatchSampler"),
    ],
)
def test_a_loader_of_other_rows_is_refused(settings: Any, said: str) -> None:
    with pytest.raises(DataError) as caught:
        pt.fit(model=model(), data=DataLoader(TensorDataset(*rows()), **settings), **PLAIN)
    assert str(caught.value) == (
        f"[train] a DataLoader {said}; expected one of every row once, since a run draws its own order; pass "
        "pt.data.Subset(dataset, rows) to choose rows; class_weight or sample_weight to weigh them"
    )


def test_a_loader_that_changes_examples_is_refused() -> None:
    loader = DataLoader(TensorDataset(*rows()), 8, collate_fn=lambda examples: examples)
    with pytest.raises(DataError) as caught:
        pt.fit(model=model(), data=(rows()), validation=loader, **PLAIN)
    assert str(caught.value) == (
        "[valid] a DataLoader with collate_fn; expected one that stacks examples, since a run makes its own batches; "
        "change the examples in the __getitem__ of the data set"
    )


def test_plain_loaders_train_as_their_data() -> None:
    x, y = rows()
    wanted = pt.fit(model=model(), data=(x, y), **PLAIN).predict(x).outputs
    for settings in ({}, {"shuffle": True}, {"sampler": SequentialSampler(x)}, {"sampler": RandomSampler(x)}):
        loader = DataLoader(TensorDataset(x, y), 8, **settings)  # type: ignore[arg-type]
        assert np.array_equal(pt.fit(model=model(), data=loader, **PLAIN).predict(x).outputs, wanted)


def test_columns_that_may_have_gaps_are_numbers_without_any() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    x, y = rows()
    x[:, 1], x[:, 2] = x[:, 1] > 0, np.round(x[:, 2])
    kinds = dict(zip(NAMES, ("Float64", "boolean", "Int64"), strict=True))
    frame = pandas.DataFrame({name: pandas.array(x[:, at].tolist()) for at, name in enumerate(NAMES)}).astype(kinds)
    run = pt.fit(model=model(), data=(frame, pandas.Series(y).astype("Int64")), **PLAIN)
    assert np.array_equal(run.predict(frame).outputs, pt.fit(model=model(), data=(x, y), **PLAIN).predict(x).outputs)


def test_gaps_are_named_with_what_fills_them() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({name: pandas.array([True, None, False] * 4, "boolean") for name in NAMES})
    with pytest.raises(DataError) as error:
        pt.fit(model=model(), data=(frame, np.arange(12) % 3), **PLAIN)
    assert str(error.value) == (
        "[train x] gaps (NA) in 4 of 12 rows, such as row 1; expected a number everywhere; fill them, such as "
        "frame.fillna(0), or leave the rows out: frame.dropna()"
    )
