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
