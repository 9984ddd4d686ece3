"""Objects in memory that are taken for arrays of numbers, and those that are not."""

from __future__ import annotations

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError
from powertrain.data.in_memory import array_of


def test_what_is_no_number_of_an_array_is_told_apart_from_texts() -> None:
    with pytest.raises(DataError) as caught:
        array_of([[1.0, None]], "predict")
    assert str(caught.value) == (
        "[predict] object[1, 2]; expected numbers, one row for each example; fill what is None (null in JSON), make "
        "rows of one length, or number the classes of texts"
    )
    for texts in (["cat", "dog"], np.array(["cat", "dog"], dtype=object)):
        with pytest.raises(DataError, match="number the classes of texts: labels"):
            array_of(texts, "y")
    with pytest.raises(DataError, match=r"object\[1, 2\]; .* pass data=pt.data.from_frame\(frame, "):
        array_of(np.array([["cat", 3.0]], dtype=object), "x")


def test_masked_numbers_are_no_numbers() -> None:
    x, y = np.arange(8.0).reshape(4, 2), np.arange(4) % 2
    masked = np.ma.masked_where(x > 5, x)
    with pytest.raises(DataError) as caught:
        array_of(masked, "train x")
    assert str(caught.value) == (
        "[train x] masked numbers in 1 of 4 rows, such as row 3; expected a number everywhere; fill them, such as "
        "array.filled(0), or leave the rows out"
    )
    assert np.array_equal(array_of(np.ma.masked_where(x > 9, x), "x"), x)  # none is masked
    with pytest.raises(DataError, match=r"\[sample_weight\] masked numbers in 2 of 4 rows, such as row 1"):
        pt.fit(model=pt.nn.Linear(2, 2), data=(x, y), sample_weight=np.ma.masked_where(y > 0, np.ones(4)))


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i4", "<u2"])
def test_bytes_in_another_order_train_as_the_same_numbers(dtype: str) -> None:
    x, y = np.arange(16).reshape(8, 2), np.arange(8) % 2
    model = [pt.nn.Linear(2, 2, generator=pt.random.Generator(1)) for _ in range(2)]
    given = x.astype(dtype), x.astype(np.dtype(dtype).newbyteorder("="))
    runs = [
        pt.fit(model=one, data=(rows, y), epochs=1, verbose=False, report={"baseline": False})
        for one, rows in zip(model, given, strict=True)
    ]
    assert np.array_equal(runs[0].predict(given[0]).outputs, runs[1].predict(given[1]).outputs)


def test_floats_wider_than_float64_become_float32_too() -> None:
    x, y = np.arange(16, dtype=np.longdouble).reshape(8, 2), np.arange(8) % 2
    run = pt.fit(model=pt.nn.Linear(2, 2), data=(x, y), epochs=1, verbose=False, report={"baseline": False})
    assert np.array_equal(run.predict(x).outputs, run.predict(x.astype(np.float32)).outputs)
    assert run.evaluate((x, y)) == run.evaluate((x.astype(np.float32), y))


def test_weights_by_which_no_example_counts_are_refused() -> None:
    x, y = np.ones((4, 2)), np.arange(4) % 2
    said = "only zeros; expected a number above 0 among them; leave it out, or correct it"
    for name, zeros in (("sample_weight", np.zeros(4)), ("class_weight", [0, 0])):
        with pytest.raises(DataError) as caught:
            pt.fit(model=pt.nn.Linear(2, 2), data=(x, y), **{name: zeros})  # type: ignore[arg-type]
        assert str(caught.value) == f"[{name}] {said}"


def test_what_is_iterated_or_sparse_is_told_how_it_becomes_an_array() -> None:
    with pytest.raises(DataError) as caught:
        array_of(iter([1.0, 2.0]), "train x")
    assert str(caught.value) == (
        "[train x] a list_iterator; expected numbers, one row for each example; write value.toarray() for a sparse "
        "matrix, and numpy.array(list(value)) for what is iterated"
    )


def test_a_table_of_pandas_is_no_data_and_no_path() -> None:
    table = pytest.importorskip("pandas", reason="pandas is not installed").DataFrame({"age": [3.0], "sort": ["cat"]})
    with pytest.raises(DataError, match=r"a DataFrame; .* pass data=pt.data.from_frame\(frame, "):
        pt.fit(model="mlp", data=table)
    with pytest.raises(DataError, match=r"path = DataFrame; .* write pt.data.from_frame\(frame, "):
        pt.data.read_csv(table, "sort")
    with pytest.raises(pt.Error) as caught:
        pt.fit(model="mlp", data={"use": "table", "path": table, "target": "sort"})
    assert str(caught.value) == (
        "[fit] received data with path = DataFrame in a table of settings; expected texts, numbers and lists there; "
        'pass data=pt.data.from_frame(frame, target="COLUMN") for a frame in memory'
    )
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    with pytest.raises(pt.Error, match=r"could not convert string to float: 'cat'"):
        pt.Classifier("mlp").fit(table, [0])
