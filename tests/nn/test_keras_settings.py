"""Settings of layers under Keras' names: to set one would change nothing."""

from __future__ import annotations

from typing import Any

import pytest

import powertrain as pt
from powertrain import nn


@pytest.mark.parametrize(("module", "name", "value", "ours"), [
    (nn.Dropout(0.1), "rate", 0, "p"),
    (nn.BatchNorm2d(3), "epsilon", 1e-3, "eps"),
    (nn.LeakyReLU(0.1), "alpha", 0.3, "negative_slope"),
    (nn.Conv2d(1, 2, 3), "strides", 2, "stride"),
    (nn.MaxPool2d(2), "pool_size", 3, "kernel_size"),
])  # fmt: skip
def test_they_are_refused_with_the_name_here(module: Any, name: str, value: Any, ours: str) -> None:
    with pytest.raises(pt.DTypeError) as error:
        setattr(module, name, value)
    assert str(error.value) == (
        f"[{type(module).__name__}] {name} = {value!r}; expected {ours}; write module.{ours} = {value!r}"
    )
    setattr(module, ours, value)
    assert getattr(module, ours) == value


def test_where_a_name_means_something_it_is_set() -> None:
    layer = nn.ELU()
    layer.alpha = 0.5
    assert layer.alpha == 0.5

    class Own(nn.Dropout):
        def __init__(self) -> None:
            super().__init__(0.5)
            self.rate = 3

    assert Own().rate == 3
