"""Numbers without axes, whoever holds them, are Python's."""

import numpy as np
import pytest

import powertrain as pt
from powertrain.io.plain_number import plain_number


@pytest.mark.parametrize("one", [np.float32(0.5), np.array(0.5), np.array(0.5, np.float16), pt.tensor(0.5)])
def test_a_value_without_axes_is_its_number(one):
    assert plain_number(one) == 0.5 and type(plain_number(one)) is float


def test_other_values_stay_as_they_are():
    for one in (3, "a", None, [1], np.ones(1), pt.ones((1,))):
        assert plain_number(one) is one


def test_a_value_that_a_trace_does_not_know_yet_stays_a_tensor():
    def step(x):
        total = x.sum()
        assert plain_number(total) is total
        return total

    assert pt.compile(step)(np.ones(3, np.float32)).item() == 3.0
