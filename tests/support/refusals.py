"""What a call that is refused says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from powertrain.data import DataError


def demand_words(call: Callable[[], object], text: str) -> None:
    """The call raises a DataError with exactly these words."""
    with pytest.raises(DataError) as error:
        call()
    assert str(error.value) == text
