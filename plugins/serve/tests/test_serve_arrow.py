"""Bodies in Arrow's stream format: the same answers as by JSON, and nothing that takes more than its bytes."""

from __future__ import annotations

import random
import struct
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serve_client import Answer, ask

import powertrain as pt
from powertrain_serve import Limits, running
from powertrain_serve.arrow import ARROW, columns_in, examples_of
from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Model

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
HEADERS = {"Content-Type": ARROW}


def stream(table: Any, options: Any = None) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def lists(values: Any, kind: str = "fixed") -> Any:
    made = pa.array(np.ascontiguousarray(values).ravel())
    for size in reversed(values.shape[1:]):
        if kind == "fixed":
            made = pa.FixedSizeListArray.from_arrays(made, size)
        else:
            offsets = np.arange(0, len(made) + 1, size)
            made = (pa.ListArray if kind == "list" else pa.LargeListArray).from_arrays(offsets, made)
    return made


def predict(address: str, table: Any, **more: str) -> Answer:
    return ask(address, "/predict", stream(table), {**HEADERS, **more})


@pytest.mark.parametrize("kind", ["fixed", "list", "large", "tensor"])
def test_arrays_go_in_and_out(kind: str, served: str, digits: Path, images: Any) -> None:
    column = pa.FixedShapeTensorArray.from_numpy_ndarray(images) if kind == "tensor" else lists(images, kind)
    table = pa.table({"x": column})
    assert predict(served, table).json == ask(served, "/predict", {"examples": images.tolist()}).json
    said = predict(served, table, Accept=ARROW)
    assert said.headers["content-type"] == ARROW
    found, wanted = pa.ipc.open_stream(said.body).read_all(), pt.load(digits).predict(images)
    assert np.array(found["output"].to_pylist(), np.float32).tobytes() == wanted.outputs.tobytes()
    assert found["label"].to_pylist() == wanted.labels.astype(str).tolist()
    assert np.array_equal(found["probabilities"].to_pylist(), wanted.probabilities)
    assert found.schema.metadata[b"model"] == b"digits" and found.schema.metadata[b"version"] == b"1"
    several = pa.concat_tables([table, table])  # two batches of a stream
    assert len(predict(served, several).json["predictions"]) == 2 * len(images)


def test_columns_of_a_table(customers: Path) -> None:
    rows = [
        {"age": 31, "city": "Bonn", "since": "2024-01-07"}, {"age": None, "city": None, "since": "2024-01-20"},
        {"age": 40, "city": "Ulm", "since": None},
    ]  # fmt: skip
    ages: list[Any] = [
        pa.array([31, None, 40]),
        pa.array([31.0, float("nan"), 40.0]),
        pa.array([31, None, 40], pa.float16()),
    ]
    cities: list[Any] = [pa.array(["Bonn", None, "Ulm"]), pa.array(["Bonn", None, "Ulm"]).dictionary_encode(),
                         pa.array(["Bonn", None, "Ulm"], pa.large_string())]  # fmt: skip
    dates: list[Any] = [
        pa.array(["2024-01-07", "2024-01-20", None]), pa.array([date(2024, 1, 7), date(2024, 1, 20), None]),
        pa.array([datetime(2024, 1, 7), datetime(2024, 1, 20), None], pa.timestamp("ns")),
    ]  # fmt: skip
    with running({"customers": customers}) as address:
        wanted = ask(address, "/predict", {"examples": rows}).json
        for age, city, since in zip(ages, cities, dates, strict=True):
            table = pa.table({"since": since, "more": age, "city": city, "age": age})
            assert predict(address, table).json == wanted
        lacking = predict(address, pa.table({"age": ages[0]}))
        assert lacking.status == 400 and "columns age; expected age, city, since; add city" in lacking.json["error"]
        wrong = predict(address, pa.table({"age": cities[0], "city": cities[0], "since": dates[0]}))
        assert wrong.status == 400 and wrong.json["error"].startswith(
            "age is 'Bonn' in row 0; expected a finite number"
        )


def test_a_text_to_continue(book: Path) -> None:
    with running({"book": book}) as address:
        said = predict(address, pa.table({"text": ["The engine"]})).json
        assert said == ask(address, "/predict", {"examples": ["The engine"]}).json
        assert predict(address, pa.table({"text": ["a", "b"]})).status == 400


ZEROS = np.zeros((2, 8, 8), np.float32)


def bad_shape(given: Any) -> Any:
    return pa.table({"x": given})


HOSTILE: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "no stream": (lambda: b"hello", 400, "not an Arrow stream"),
    "nothing": (lambda: b"", 400, "not an Arrow stream"),
    "half a stream": (lambda: stream(bad_shape(lists(ZEROS)))[:300], 400, "not an Arrow stream"),
    "another column": (lambda: stream(pa.table({"y": lists(ZEROS)})), 400, "columns y; expected x; add x"),
    "another shape": (lambda: stream(bad_shape(lists(np.zeros((2, 64))))), 400, "expected numbers of shape"),
    "no row": (lambda: stream(bad_shape(lists(ZEROS)).slice(0, 0)), 400, "no rows"),
    "too many rows": (lambda: stream(bad_shape(lists(np.zeros((300, 8, 8))))), 413, "expected at most 256"),
    "gaps": (lambda: stream(bad_shape(pa.array([[1.0, None]]))), 400, "with 1 gaps; expected numbers"),
    "gaps for lists": (lambda: stream(bad_shape(pa.array([[1.0], None]))), 400, "missing values in place of lists"),
    "several lengths": (lambda: stream(bad_shape(pa.array([[1.0], [1.0, 2.0]]))), 400, "lists of different lengths"),
    "texts": (lambda: stream(bad_shape(pa.array(["a", "b"]))), 400, "expected numbers"),
    "bytes": (lambda: stream(bad_shape(pa.array([b"a"]))), 400, "of binary; expected numbers"),
    "structs": (lambda: stream(bad_shape(pa.array([{"a": 1}]))), 400, "expected numbers, lists of them"),
    "views of texts": (lambda: stream(bad_shape(pa.array(["a"], pa.string_view()))), 400, "of string_view"),
    "NaN": (lambda: stream(bad_shape(lists(np.full((1, 8, 8), np.nan, "f4")))), 400, "NaN in row 0"),
    "compressed": (
        lambda: stream(bad_shape(lists(np.zeros((200, 8, 8)))), pa.ipc.IpcWriteOptions(compression="zstd")),
        415, "compressed buffers",
    ),
    "a compressed dictionary": (
        lambda: stream(pa.table({"x": pa.array(["a" * 10_000]).dictionary_encode()}),
                       pa.ipc.IpcWriteOptions(compression="lz4")), 415, "compressed buffers",
    ),
    "a column twice": (lambda: stream(pa.Table.from_arrays([lists(ZEROS)] * 2, ["x", "x"])), 400, "two columns"),
    "many batches": (
        lambda: stream(pa.concat_tables([bad_shape(lists(ZEROS[:1]))] * 2000)), 400, "more than 1,024 messages"
    ),
    "gaps of many rows": (lambda: stream(pa.table({"x": pa.nulls(10**9)})), 413, "1,000,000,000 examples"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_streams_are_told_why(name: str, served: str) -> None:
    made, status, reason = HOSTILE[name]
    said = ask(served, "/predict", made(), HEADERS)
    assert said.status == status and reason in said.json["error"], said.json
    assert ask(served, "/v2/health/live").status == 200


def test_rows_that_share_a_long_text_are_counted(customers: Path) -> None:
    """A dictionary of one text of 64 KB, for 256 rows: 16 MB once each has its own."""
    city = pa.DictionaryArray.from_arrays(np.zeros(256, np.int32), pa.array(["a" * (1 << 16)]))
    table = pa.table({"age": pa.array([1] * 256), "city": city, "since": pa.nulls(256)})
    model = Model.of_folder("customers", "1", customers, False, None)
    with pytest.raises(RefusedError, match="more than 1,048,576 characters in 'city'"):
        examples_of(model, stream(table), Limits(body=1 << 20))


def test_a_damaged_stream_is_refused_or_small() -> None:
    """Bytes changed anywhere: an error, or columns of no more than the body; no crash, and no memory beyond it."""
    values = {
        "x": lists(ZEROS),
        "city": pa.array(["Bonn", "Ulm"]).dictionary_encode(),
        "since": pa.array([date(2024, 1, 1)] * 2),
    }
    raw, draw = stream(pa.table(values)), random.Random(0)
    refused = 0
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    for _ in range(3000):
        bad = bytearray(raw)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(bad) - 8)
            if draw.random() < 0.5:
                bad[at] = draw.randrange(256)
            else:
                struct.pack_into("<q", bad, at, draw.choice([-1, 0, 1 << 62, 1 << 31, 1 << 20]))
        try:
            columns = columns_in(bytes(bad), Limits(rows=100))
        except RefusedError:
            refused += 1
        else:
            assert all(len(column) <= 100 for column in columns.values())
            del columns
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused > 500 and most < 64 << 20 and pa.total_allocated_bytes() - before < 64 << 20
