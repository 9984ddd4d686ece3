"""Tables in memory: they train as files do, and what is no table is refused in words."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli import main
from powertrain.data import DataError
from powertrain.train.checking.check import check

pandas = pytest.importorskip("pandas", reason="pandas is not installed")
pytest.importorskip("pyarrow", reason="pyarrow reads tables")

PLAIN: dict[str, Any] = {"report": {"baseline": False}, "verbose": False, "epochs": 2, "batch_size": 32}


def people() -> Any:
    draw = np.random.default_rng(0)
    frame = pandas.DataFrame({"age": draw.integers(18, 80, 120).astype(float), "plan": draw.choice(["a", "b"], 120)})
    frame.loc[3, "age"] = np.nan
    frame["since"] = pandas.Timestamp("2024-01-01") + pandas.to_timedelta(draw.integers(0, 300, 120), "D")
    frame["left"] = np.where(frame.age > 50, "yes", "no")
    return frame


def test_a_frame_is_trained_on_as_its_file_is(tmp_path: Path) -> None:
    frame = people()
    frame.to_csv(tmp_path / "people.csv", index=False)
    settings: dict[str, Any] = {"target": "left", "split": {"test": 0.2}}
    made = pt.data.from_frame(frame, **settings)
    read = pt.data.read_csv(tmp_path / "people.csv", **settings)
    rows = np.arange(len(read.train))
    for name, values in read.train.fetch(rows).items():
        assert np.array_equal(made.train.fetch(rows)[name], values)
    assert made.columns == read.columns and made.labels == ("no", "yes")
    forms: list[Any] = [dict(frame), frame.to_dict("records")]
    for form in forms:
        assert np.array_equal(pt.data.from_frame(form, **settings).train.fetch(rows)["x"], made.train.fetch(rows)["x"])


def test_a_run_of_a_frame_answers_frames_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = people()
    frame.to_csv(tmp_path / "people.csv", index=False)
    data = pt.data.from_frame(frame, target="left", split={"test": 0.2})
    run = pt.fit(model={"use": "mlp", "hidden": [8]}, data=data, folder=tmp_path / "run", **PLAIN)
    opened = pt.load(tmp_path / "run")
    wanted = run.predict(frame.drop(columns="left")).outputs
    assert np.array_equal(opened.predict(str(tmp_path / "people.csv")).outputs, wanted)
    scores = opened.evaluate(frame)
    assert main(["evaluate", str(tmp_path / "run"), str(tmp_path / "people.csv")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("people.csv      120 examples") and f"accuracy {scores['accuracy']:.4g}" in said
    assert main(["evaluate", str(tmp_path / "run"), str(tmp_path / "people.csv"), "--changed-data"]) == 2


def test_a_wrong_value_is_named_by_its_column_and_row() -> None:
    frame = people()
    run = pt.fit(model={"use": "mlp", "hidden": [8]}, data=pt.data.from_frame(frame, target="left"), **PLAIN)
    frame["age"] = frame["age"].astype(object)
    frame.loc[5, "age"] = "abc"
    with pytest.raises(DataError) as caught:
        run.predict(frame)
    assert str(caught.value) == (
        "[predict] age holds 'abc' in row 5; expected numbers, as in the training rows; correct it, or leave the value "
        "empty"
    )
    frame.loc[5, "age"] = None
    assert len(run.predict(frame)) == 120
    frame["age"] = [1, b"2", "3"] * 40
    with pytest.raises(DataError, match=r"^\[predict\] age is bytes in row 1: "):
        run.predict(frame)


def visits() -> Any:
    """Whole numbers, and texts with gaps; one partition of five has a gap among the numbers, and one no text at all."""
    draw = np.random.default_rng(0)
    frame = pandas.DataFrame({"minutes": draw.integers(1, 60, 100), "from": draw.choice(["mail", "search"], 100)})
    frame["bought"] = np.where(frame.minutes > 30, "yes", "no")
    return frame.assign(
        minutes=frame.minutes.astype(object).where(frame.index != 70, None).convert_dtypes(),
        **{"from": frame["from"].where((frame.index >= 20) & (frame.index != 50), None)},
    )


def demand_equal(partitioned: Any) -> None:
    """That it is read as the same rows of pandas are."""
    rows = np.arange(100)
    settings: dict[str, Any] = {"target": "bought"}
    wanted = pt.data.from_frame(visits(), **settings)
    found = pt.data.from_frame(partitioned, **settings)
    for name, values in wanted.train.fetch(rows).items():
        assert np.array_equal(found.train.fetch(rows)[name], values)
    assert found.columns == wanted.columns and found.labels == ("no", "yes")


def test_a_frame_of_dask_is_read_as_its_rows_are() -> None:
    dask = pytest.importorskip("dask.dataframe", reason="dask is not installed")
    demand_equal(dask.from_pandas(visits(), npartitions=5, sort=False))


def test_columns_that_differ_between_partitions_are_refused() -> None:
    dask = pytest.importorskip("dask.dataframe", reason="dask is not installed")
    frame = dask.from_pandas(visits(), npartitions=5, sort=False)
    odd = frame.map_partitions(lambda part: part.assign(minutes=[str(one) for one in part.minutes]) if 70 in part.index
                               else part, meta=frame._meta)  # fmt: skip
    with pytest.raises(DataError, match=r"^\[table\] columns that pyarrow cannot take: .*minutes.*; expected numbers"):
        pt.data.from_frame(odd, target="bought")


@pytest.fixture(scope="module")
def ray_data() -> Iterator[Any]:
    """Ray Data, on a cluster of this process."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own settings
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        from ray import data

        data.DataContext.get_current().enable_progress_bars = False
        yield data
    ray.shutdown()


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_a_data_set_of_ray_is_read_as_its_rows_are(ray_data: Any) -> None:
    demand_equal(ray_data.from_pandas([visits()[at : at + 20] for at in range(0, 100, 20)]))


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_blocks_of_ray_come_in_their_order_though_some_are_ready_sooner(ray_data: Any) -> None:
    def late(block: Any) -> Any:
        time.sleep(0.5 if 0 in block.index else 0)
        return block

    parts = ray_data.from_pandas([visits()[at : at + 20] for at in range(0, 100, 20)])
    made = parts.map_batches(late, batch_format="pandas", batch_size=None)
    demand_equal(made)
    assert not made.context.execution_options.preserve_order  # as its owner left it


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        pt.data.from_frame(3, target="left")
    assert str(caught.value) == (
        "[from_frame] frame = 3; expected a table with named columns; pass a data frame of pandas, polars, "
        "pyarrow, Dask or Ray Data, a dict of columns, or a list of dicts"
    )
    with pytest.raises(DataError) as caught:
        pt.data.from_frame(people(), target="gone")
    assert str(caught.value) == (
        "[table] no column gone; expected it among the columns, which are age, plan, since, left; check the name"
    )
    with pytest.raises(DataError, match=r"^\[from_frame dorp\]"):
        pt.data.from_frame(people(), target="left", dorp=["age"])


def test_columns_that_an_encoder_made_are_no_constant_ones(tmp_path: Path) -> None:
    people().to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "mine.toml").write_text(
        'data = { use = "table", path = "people.csv", target = "left", split = { valid = 0.1, test = 0.2 } }\n'
        'model = { use = "mlp", hidden = [4] }\noptimizer = "adamw"\nrun = { until = "1 epoch", batch_size = 32 }\n'
    )
    found = check(str(tmp_path / "mine.toml"), folds=2, out=tmp_path / "page.html")
    assert "plan=other" in found.data.dataset.columns
    assert "constant columns" not in [one.kind for one in found.data.findings]


def test_pairs_with_a_frame_are_encoded_as_the_training_rows_were() -> None:
    draw = np.random.default_rng(0)
    frame = pandas.DataFrame({"age": draw.integers(18, 80, 64), "income": draw.normal(size=64) * 1000})
    frame["y"] = frame.age + frame.income
    data = pt.data.from_frame(frame, target="y")
    pair = frame[["income", "age"]], frame.y
    found = [pt.fit(model={"use": "mlp", "hidden": [8]}, data=data, validation=held, **PLAIN) for held in (pair, frame)]
    for run in found:
        assert run.evaluate("valid") == run.evaluate(frame) == run.evaluate(pair)
        assert run.evaluate("valid") == pytest.approx(run.evaluate("train"), rel=1e-6)


def test_one_row_alone_is_a_frame_of_one_row() -> None:
    frame = people()
    run = pt.fit(model={"use": "mlp", "hidden": [8]}, data=pt.data.from_frame(frame, target="left"), **PLAIN)
    wanted = run.predict(frame[:1]).outputs
    for row in (frame.iloc[0], frame.iloc[0].to_dict()):
        assert np.array_equal(run.predict(row).outputs, wanted)


def test_two_columns_of_one_name_are_refused_as_in_a_file() -> None:
    frame = people()
    twice = pandas.concat([frame, frame[["age"]]], axis=1)
    run = pt.fit(model={"use": "mlp", "hidden": [8]}, data=pt.data.from_frame(frame, target="left"), **PLAIN)
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_arrays([pyarrow.array([1.0]), pyarrow.array([1.0])], names=["age", "age"])
    for call, where in (
        (lambda: pt.data.from_frame(twice, target="left"), "table"),
        (lambda: pt.data.from_frame(table, target="left"), "table"),
        (lambda: run.predict(twice), "predict"),
        (lambda: run.evaluate(twice), "predict"),
    ):
        with pytest.raises(pt.Error) as caught:
            call()
        assert str(caught.value) == f"[{where}] the table has age twice; expected a name for each column; rename one"


def test_categories_of_pandas_may_be_numbers_but_no_intervals() -> None:
    frame = people()
    rooms = np.arange(120) % 3
    data = pt.data.from_frame(frame.assign(rooms=pandas.Categorical(rooms)), target="left")
    assert {f"rooms={number}" for number in range(3)} <= {*data.columns}
    run = pt.fit(model={"use": "mlp", "hidden": [8]}, data=data, **PLAIN)
    for given in (rooms, pandas.Categorical(rooms), rooms.astype(str)):
        made = run.predict(frame.assign(rooms=given)).outputs
        assert np.array_equal(made, run.predict(frame.assign(rooms=pandas.Categorical(rooms))).outputs)
    with pytest.raises(pt.Error, match=r"\[table\] the column ages holds dictionary<.*; leave it out \(drop\)"):
        pt.data.from_frame(frame.assign(ages=pandas.cut(frame.age, 3)), target="left")


def test_an_array_has_the_columns_of_the_table_in_their_order(tmp_path: Path) -> None:
    """Such numbers were taken as if they were scaled already."""
    rng = np.random.default_rng(0)
    x = rng.normal([100, -5], [20, 1], (120, 2))
    left = np.where(x[:, 0] > 100, "yes", "no")
    columns = {"age": x[:, 0], "rent": x[:, 1]}
    data = pt.data.from_frame({**columns, "left": left}, target="left")
    run = pt.fit(model="mlp", data=data, epochs=2, folder=tmp_path / "run", verbose=False, seed=0)
    wanted = run.predict(columns).outputs
    np.save(tmp_path / "x.npy", x)
    for one in (run, pt.load(tmp_path / "run")):
        assert np.array_equal(one.predict(x).outputs, wanted)
        assert np.array_equal(one.predict(x.tolist()).outputs, wanted)
        assert np.array_equal(one.predict(x[0]).outputs, one.predict(x[:1]).outputs)
        assert np.array_equal(one.predict(one.examples(x), checked=True).outputs, wanted)
        assert np.array_equal(one.predict(tmp_path / "x.npy").outputs, wanted)
        scores = one.evaluate({**columns, "left": left})
        assert one.evaluate((x, left)) == one.evaluate((columns, list(left))) == scores
    with pytest.raises(DataError, match=r"float64\[120, 3\]; expected the columns age, rent as the table has them"):
        run.predict(np.ones((120, 3)))
    with pytest.raises(DataError, match="the class 1; expected one of no, yes; use the class names"):
        run.evaluate((x, (left == "yes").astype(int)))


def test_classes_whose_names_are_numbers_are_meant_by_these() -> None:
    """Of the classes 1, 2 and 5 the class 2 was taken for the one of number 2, which is 5."""
    x = np.arange(60.0)
    rated = pt.data.from_frame({"x": x, "stars": [1, 2, 5] * 20}, target="stars")

    def weights(given: dict[object, float]) -> list[float]:
        run = pt.fit(model="mlp", data=rated, epochs=1, verbose=False, class_weight=given)
        assert run.run.dataset.class_weight is not None
        return list(run.run.dataset.class_weight)

    assert weights({2: 3, "5": 0.5}) == weights({np.int64(2): 3, 5.0: 0.5}) == [1, 3, 0.5]
    with pytest.raises(DataError, match="the class 0; expected one of the classes 1, 2, 5"):
        weights({0: 2})
    seen = pt.data.from_frame({"x": x, "seen": [1, 2] * 30}, target="seen")

    def recall(which: int) -> float:
        run = pt.fit(
            model="linear", data=seen, epochs=9, verbose=False, metrics=["accuracy", "recall"], pos_label=which,
            class_weight={1: 1e3}, lr=0.1,
        )  # fmt: skip
        return float(run.evaluate({"x": x, "seen": [1, 2] * 30})["recall"])

    assert (recall(1), recall(2)) == (1.0, 0.0)
    with pytest.raises(pt.Error, match=r"pos_label\] received 0; expected one of the classes 1, 2; write one of them"):
        recall(0)


def test_an_array_of_numbers_holds_no_categories() -> None:
    plan = ["a", "b", "c"] * 20
    data = pt.data.from_frame({"age": np.arange(60), "plan": plan, "left": [0, 1] * 30}, target="left")
    run = pt.fit(model="mlp", data=data, epochs=1, verbose=False)
    for x in (np.ones((4, 2)), run.example):
        with pytest.raises(DataError, match="give a data frame or a dict of columns"):
            run.predict(x)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (2, "[table] no column 2; expected it among the columns, which are age, plan, since, left; check the name"),
        (None, "[from_frame] target = None; expected the name of the column that is predicted; write target="),
        (True, "[from_frame] target = True; expected the name of the column that is predicted; write target="),
    ],
)
def test_a_target_that_names_no_column_is_refused(target: Any, text: str) -> None:
    with pytest.raises(pt.Error) as caught:
        pt.data.from_frame(people(), target=target)
    assert str(caught.value).startswith(text)


def test_columns_may_be_named_by_numbers() -> None:
    frame = pandas.DataFrame(np.arange(60.0).reshape(20, 3))
    assert pt.data.from_frame(frame, target=2).columns == pt.data.from_frame(frame, target="2").columns
