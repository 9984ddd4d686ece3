"""Objects in memory that are taken for arrays of numbers, and those that are not."""

from __future__ import annotations

import pytest

from powertrain.data import DataError
from powertrain.data.in_memory import array_of


def test_what_is_no_number_of_an_array_is_told_apart_from_texts() -> None:
    with pytest.raises(DataError) as caught:
        array_of([[1.0, None]], "predict")
    assert str(caught.value) == (
        "[predict] object[1, 2]; expected numbers, one row for each example; fill what is None (null in JSON), make "
        "rows of one length, or number the classes of texts"
    )
    with pytest.raises(DataError, match="number the classes of texts: labels"):
        array_of(["cat", "dog"], "y")
