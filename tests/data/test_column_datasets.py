"""Examples in Parquet and Arrow files: what comes out, how much is held of it, and what is refused."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrowDataset, DataError, DataLoader, ParquetDataset, column_dataset, random_split
from powertrain.data.arrow_columns import arrow
from powertrain.data.column_files import ParquetFile
from same_batches import demand_same_batches

pa = pytest.importorskip("pyarrow", reason="pyarrow reads Parquet and Arrow files")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow reads Parquet and Arrow files")

ROWS = (40, 1, 55)  # of each file; in groups of 8
COUNT = sum(ROWS)


def columns(first: int, count: int) -> dict[str, Any]:
    rows = np.arange(first, first + count)
    pixels = pa.array((np.repeat(rows, 6) + np.tile(np.arange(6), count)).astype(np.float32))
    return {
        "age": rows.astype(np.float64), "plan": (rows % 5).astype(np.int16), "left": rows % 3,
        "pixels": pa.FixedSizeListArray.from_arrays(pixels, 6), "name": [f"n{row}" for row in rows],
    }  # fmt: skip


def write(path: Path, table: Any, rows: int = 8) -> Path:
    """A file of the kind that its name ends in."""
    table = table if isinstance(table, pa.Table) else pa.table(table)
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=rows)
        return path
    make, options = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream, pa.ipc.IpcWriteOptions()
    if path.suffix == ".feather":
        make, options = pa.ipc.new_file, pa.ipc.IpcWriteOptions(compression="zstd")
    with make(str(path), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path


KINDS = {"parquet": ParquetDataset, "arrow": ArrowDataset, "feather": ArrowDataset, "stream": ArrowDataset}


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shards(tmp_path: Path, kind: str) -> str:
    first = 0
    for at, count in enumerate(ROWS):
        write(tmp_path / f"t-{at}.{kind}", columns(first, count))
        first += count
    return str(tmp_path / f"t-*.{kind}")


def test_rows_of_all_files_come_in_any_order(shards: str, kind: str) -> None:
    data = KINDS[kind](shards, ("pixels", "left", "name"))
    assert len(data) == COUNT
    rows = np.array([95, 0, 40, 41, 39, 8, 0])
    fields = data.fetch(rows)
    assert (fields["x"] == rows[:, None] + np.arange(6)).all() and fields["x"].dtype == np.float32
    assert (fields["y"] == rows % 3).all() and fields["field_2"] == [f"n{row}" for row in rows]
    x, y, name = data[-1]
    assert (x == 95 + np.arange(6)).all() and y == 2 and name == "n95"
    assert np.asarray(data.targets).tolist() == [row % 3 for row in range(COUNT)]
    assert data.fetch(np.array([], np.int64))["x"].shape == (0, 6)
    for wrong in (COUNT, -1):
        with pytest.raises(IndexError, match=r"expected rows from 0 to 95"):
            data.fetch(np.array([0, wrong]))


def test_several_columns_become_one_array(shards: str, kind: str) -> None:
    data = KINDS[kind](shards, {"x": ["age", "plan"], "y": "left", "weight": "age"})
    fields = data.fetch(np.array([7, 64]))
    assert fields["x"].tolist() == [[7, 2], [64, 4]] and fields["x"].dtype == np.float32
    assert fields["weight"].tolist() == [7, 64] and list(fields) == ["x", "y", "weight"]


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_the_same_for_any_number_of_workers_and_after_a_resume(
    shards: str, kind: str, shuffle: bool
) -> None:
    state = demand_same_batches(
        lambda: KINDS[kind](shards, ("pixels", "left"), shuffle_groups=2), batch_size=5, stop=7, shuffle=shuffle
    )
    assert state == {"epoch": 0, "position": 35, "seed": 3}


def test_each_group_is_read_once_in_an_epoch_and_few_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.parquet", columns(0, 4000), rows=40)
    read: list[int] = []
    plain = ParquetFile.read
    monkeypatch.setattr(ParquetFile, "read", lambda self, at, names: (read.append(at), plain(self, at, names))[1])
    data = ParquetDataset(tmp_path / "a.parquet", ("age", "left"), shuffle_groups=3)
    parts = random_split(data, [0.5, 0.5], seed=1)
    read.clear()
    for source, groups in ((data, 100), (parts[0], 100)):
        for shuffle in (False, True) if source is data else (True,):
            loader = DataLoader(source, 16, shuffle=shuffle, seed=1)
            rows = np.concatenate([batch.arrays["x"] for batch in loader])
            assert len(set(rows.tolist())) == len(rows) == len(source)
            assert len(read) <= groups and len(data._held._held) <= 6
            read.clear()


def test_a_group_is_read_by_one_worker_while_others_wait_for_it(shards: str, kind: str) -> None:
    data = KINDS[kind](shards, ("age", "left"))
    file = type(data._files[0])
    read: list[tuple[str, int]] = []
    plain = file.read

    class Counted(file):  # type: ignore[misc,valid-type]
        def read(self, group: int, names: Any) -> Any:
            read.append((str(self.path), group))
            return plain(self, group, names)

    for one in data._files:
        one.__class__ = Counted
    assert len(list(DataLoader(data, 1, num_workers=8, prefetch_factor=8))) == COUNT
    assert len(read) == len(set(read))


def test_a_group_that_failed_is_tried_again_by_whoever_asks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", columns(0, 32))
    data = ParquetDataset(path, ("age", "left"))
    content = path.read_bytes()
    path.write_bytes(b"?" * len(content))
    for _ in range(2):
        with pytest.raises(DataError, match=r"a\.parquet, row group 2: "):
            data[20]
    path.write_bytes(content)
    assert data[20][0] == 20


def test_a_child_after_a_fork_reads_on(tmp_path: Path) -> None:
    data = ParquetDataset(write(tmp_path / "a.parquet", columns(0, 32)), ("age", "left"))
    with data._held._lock:  # as a worker of the parent may hold it
        child = os.fork()
        if child == 0:
            os._exit(0 if data[20][0] == 20 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_values_of_each_type(tmp_path: Path) -> None:
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12, dtype=np.uint8).reshape(2, 3, 2))
    table = pa.table(
        {
            "bool": [True, False], "half": pa.array(np.array([1, 2], np.float16)),
            "large": pa.array([1, 2], pa.uint64()), "list": [[1, 2], [3, 4]], "deep": [[[1], [2]], [[3], [4]]],
            "tensor": tensors, "bytes": [b"\0", b"a"],
            "named": pa.array(["b", "a"]).dictionary_encode(),
        }
    )  # fmt: skip
    data = ParquetDataset(write(tmp_path / "a.parquet", table), {name: name for name in table.column_names})
    fields = data.fetch(np.array([1, 0]))
    assert fields["bool"].tolist() == [False, True] and fields["half"].dtype == np.float16
    assert fields["large"].dtype == np.uint64 and fields["list"].tolist() == [[3, 4], [1, 2]]
    assert fields["deep"].shape == (2, 2, 1) and fields["tensor"].tolist()[1] == [[0, 1], [2, 3], [4, 5]]
    assert fields["bytes"] == [b"a", b"\0"] and fields["named"] == ["a", "b"]


def test_pictures_as_bytes_are_decoded_by_a_function(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"image": [bytes([row] * 4) for row in range(9)], "label": np.arange(9) % 3})
    data = pt.data.Mapped(
        ParquetDataset(path, ("image", "label"), shuffle_groups=1),
        lambda fields: {**fields, "x": np.stack([np.frombuffer(one, np.uint8) for one in fields["x"]]) / np.float32(9)},
    )
    run = pt.fit(model=pt.nn.Linear(4, 3), data=data, epochs=1, batch_size=4, verbose=False)
    assert np.isfinite(run.evaluate("train")["loss"])
    with pytest.raises(DataError, match="texts or bytes in x; expected numbers"):
        pt.fit(model=pt.nn.Linear(4, 3), data=ParquetDataset(path, ("image", "label")), epochs=1, verbose=False)


def test_fit_reads_batch_by_batch(shards: str, kind: str) -> None:
    data = KINDS[kind](shards, {"x": ["age", "plan"], "y": "left"}, shuffle_groups=1)
    train, valid = random_split(data, [0.8, 0.2], seed=1)
    run = pt.fit(model=pt.nn.Linear(2, 3), data=train, validation=valid, epochs=2, batch_size=8, verbose=False)
    assert np.isfinite(run.evaluate("train")["loss"]) and len(data._held._held) <= 2


RECIPE = """
model     = "linear"
features  = ["standardize"]
optimizer = { use = "sgd", lr = 0.01 }
run       = { until = "3 epochs", batch_size = 8 }

[data]
use            = "parquet"
path           = "t-*.parquet"
x              = ["age", "plan"]
y              = "left"
shuffle_groups = 2
split          = { valid = 0.2 }
"""


@pytest.mark.parametrize("kind", ["parquet"], indirect=True)
def test_a_recipe_trains_to_the_same_bits_and_answers_to_files(shards: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    runs = [pt.fit(str(tmp_path / "r.toml"), verbose=False, **{"run.num_workers": workers}) for workers in (0, 8)]
    first, second = ([one.value.numpy().tolist() for one in run.model.parameters()] for run in runs)
    assert first == second
    new = str(write(tmp_path / "new.parquet", columns(0, 10), rows=4))
    assert len(runs[0].predict(new).outputs) == 10 and runs[0].evaluate(new)["loss"] > 0


# ---------------------------------------------------------------- what is refused


def table(**changed: Any) -> Any:
    return pa.table({**columns(0, 20), **changed})


def lists(*rows: list[Any]) -> Any:
    return [*([[1, 2]] * 17), *rows]


WRONG: dict[str, tuple[Any, str]] = {
    "nothing in a row": ({"age": [1.0] * 17 + [None] * 3}, "GROUP 2, column age: row 1 holds nothing (null)"),
    "NaN": ({"age": [1.0] * 19 + [float("nan")]}, "GROUP 2, column age: row 3 holds NaN"),
    "infinity": ({"age": [1.0] * 8 + [-np.inf] * 12}, "GROUP 1, column age: row 0 holds infinity"),
    "a longer list": (
        {"age": lists([1, 2], [1, 2, 3], [1, 2])},
        "GROUP 2, column age: row 2 holds a list of 3 values, and row 0 one of 2",
    ),
    "nothing in a list": ({"age": lists([1, 2], [1, None], [1, 2])}, "GROUP 2, column age: row 2 holds nothing (null)"),
    "a list of another length in a group": (
        {"age": [[1, 2]] * 16 + [[1]] * 4}, "GROUP 2: x of the form int64[1]; expected int64[2], as in the first",
    ),
    "dates": ({"age": pa.array([0] * 20, pa.date32())}, "GROUP 0, column age: values of the type date32[day]"),
    "tables": ({"age": [{"a": 1}] * 20}, "GROUP 0, column age: values of the type struct<a: int64>"),
    "lists of texts": ({"age": [["a"]] * 20}, "GROUP 0, column age: values of the type string"),
}  # fmt: skip


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_learned_from_names_file_group_and_row(tmp_path: Path, ending: str, case: str) -> None:
    changed, said = WRONG[case]
    path = write(tmp_path / f"a.{ending}", table(**changed))
    said = said.replace("GROUP", "row group" if ending == "parquet" else "record batch")
    with pytest.raises(DataError) as caught:
        KINDS[ending](path, ("age", "left")).fetch(np.arange(20))
    assert str(caught.value).startswith(f"[{KINDS[ending].__name__}] {path}, {said}")


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_columns_and_files_that_do_not_fit(tmp_path: Path, ending: str) -> None:
    make, where = KINDS[ending], KINDS[ending].__name__
    path = write(tmp_path / f"a.{ending}", table())
    other = write(tmp_path / f"b.{ending}", table(left=[0.5] * 20))
    empty = write(tmp_path / f"c.{ending}", table().slice(0, 0))
    for arguments, said in (
        (((path,), ("agee",)), f"{path}: agee in none of its columns; expected one of age, plan, left, pixels, name"),
        (((path, other), ("age", "left")), f"{other}: column left of the type double; expected int64, as in {path}"),
        (((empty,), "age"), f"no row in {empty}; expected some"),
        (((path,), {}), "fields = {}; expected names of columns"),
        (((path,), ("age",), 0), "shuffle_groups = 0; expected a whole number >= 1"),
        (
            ((path,), {"x": ["age", "name"]}),
            f"{path}, {make.FILE.GROUP} 0: texts or lists among columns",
        ),
        ((str(tmp_path / "none-*"), "age"), f"no file {tmp_path}/none-*; expected {make.FILE.KIND} files"),
        (((tmp_path / "none",), "age"), f"{tmp_path / 'none'}: No such file or directory"),
    ):
        with pytest.raises(DataError) as caught:
            make(*arguments)
        assert str(caught.value).startswith(f"[{where}] {said}")


def test_damaged_files_are_errors(tmp_path: Path, kind: str) -> None:
    """Cut off at 40 places, and 120 bytes changed one by one: an error, or rows that can be read."""
    path = write(tmp_path / f"a.{kind}", table())
    content, draw = path.read_bytes(), np.random.default_rng(0)
    damaged = [content[:end] for end in np.linspace(0, len(content) - 1, 40).astype(int)]
    for place in draw.integers(0, len(content), 120):
        changed = bytearray(content)
        changed[place] ^= 1 << int(draw.integers(8))
        damaged.append(bytes(changed))
    refused = 0
    for at, bytes_ in enumerate(damaged):
        path.write_bytes(bytes_)
        try:
            assert len(KINDS[kind](path, ("pixels", "name")).fetch(np.arange(20))["x"]) == 20
            assert at >= 40, f"cut off after {len(bytes_)} of {len(content)} bytes"
        except DataError as error:
            refused += 1
            assert str(path) in str(error) or isinstance(error, IndexError)
    assert refused > 45


def test_groups_that_are_too_large_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a few bytes say that they unpack to terabytes."""
    path = write(tmp_path / "a.parquet", {"age": np.zeros(100_000), "left": np.zeros(100_000, int)}, rows=100_000)
    assert path.stat().st_size < 5000
    monkeypatch.setattr(column_dataset, "max_input_bytes", lambda: 16_000_000)
    with pytest.raises(DataError) as caught:
        ParquetDataset(path, ("age", "left"))
    assert str(caught.value) == (
        f"[ParquetDataset] {path}, row group 0: 1,600,000 bytes; expected at most 1,000,000, since several are held at "
        "once; lower shuffle_groups, or write the file with smaller ones"
    )
    assert len(ParquetDataset(path, ("age", "left"), shuffle_groups=2)) == 100_000
    with pytest.raises(DataError, match=r"record batch 0: 1,600,144 bytes; expected at most 1,000,000"):
        ArrowDataset(write(tmp_path / "a.arrow", {"age": np.zeros(200_000)}, 200_000), "age")
    packed = write(tmp_path / "a.feather", {"age": np.zeros(1000)}, 1000)
    content = packed.read_bytes()
    assert content.count(struct.pack("<q", 8000)) == 1
    packed.write_bytes(content.replace(struct.pack("<q", 8000), struct.pack("<q", 1 << 42)))
    with pytest.raises(DataError, match=r"a.feather, record batch 0: 4,398,046,511,104 bytes; expected at most"):
        ArrowDataset(packed, "age")


def test_one_text_for_many_rows_is_held_once(tmp_path: Path) -> None:
    text = "a" * 100_000
    path = write(tmp_path / "a.parquet", {"x": [text] * 5000}, rows=5000)
    rows = ParquetDataset(path, "x").fetch(np.arange(5000))["x"]
    assert len({id(row) for row in rows}) == 1 and rows[4999] == text


def test_arrow_dictionaries_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.arrow", {"name": pa.array(["a", "b"]).dictionary_encode()})
    with pytest.raises(DataError, match="columns of the type dictionary, which are read from Parquet files alone"):
        ArrowDataset(path, "name")


def test_without_pyarrow_or_with_an_old_one_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.parquet", table())
    arrow.cache_clear()
    with monkeypatch.context() as patched, pytest.raises(DataError) as caught:
        patched.setattr(pa, "__version__", "14.0.0")
        ParquetDataset(path, "age")
    assert str(caught.value) == (
        "[ParquetDataset] pyarrow 14.0.0; expected 17 or later, which unpickles nothing; pip install "
        "'powertrain[parquet]'"
    )
    with monkeypatch.context() as patched, pytest.raises(DataError, match=r"pyarrow cannot be imported .* pip install"):
        patched.setitem(__import__("sys").modules, "pyarrow", None)
        ParquetDataset(path, "age")
    assert len(ParquetDataset(path, "age")) == 20


def test_a_type_that_a_file_defines_by_a_pickle_runs_nothing(tmp_path: Path) -> None:
    """As arrow.py_extension_type, which pyarrow unpickled before 14.0.1."""
    kind = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": b"cos\nsystem\n(S'false'\ntR.",
    }
    schema = pa.schema([pa.field("x", pa.int64(), metadata=kind)])
    out = io.BytesIO()
    with pa.ipc.new_file(out, schema) as writer:
        writer.write_batch(pa.record_batch([pa.array([1, 2])], schema=schema))
    (tmp_path / "a.arrow").write_bytes(out.getvalue())
    assert ArrowDataset(tmp_path / "a.arrow", "x").fetch(np.array([1]))["x"].tolist() == [2]
