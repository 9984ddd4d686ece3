"""Transforms in a call: by name, table or class, since a run makes and fits its own. An object is refused."""

from dataclasses import dataclass

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import Scale
from powertrain.plugin import Transform, param

X, Y = np.random.default_rng(0).normal(size=(40, 4)).astype("float32"), np.arange(40) % 3


class Times(Transform):
    @dataclass(frozen=True)
    class Params:
        by: float = param(2.0, doc="factor")

    def __init__(self, params):
        self.by = params.by

    def __call__(self, x):
        return x * self.by


def trained(features):
    pt.random.seed(0)
    return pt.fit(model=pt.nn.Linear(4, 3), data=(X, Y), epochs=1, features=features, verbose=False).predict(X).outputs


def test_a_class_and_a_table_with_one_are_transforms():
    want = trained([{"use": "scale", "by": 2.0}])
    assert np.array_equal(want, trained([Times]))
    assert np.array_equal(want, trained([{"use": Times, "by": 2.0}]))
    assert not np.array_equal(want, trained([{"use": Times, "by": 3.0}]))


def test_an_object_is_refused_with_what_to_pass():
    with pytest.raises(pt.Error) as caught:
        trained([Scale(2.0)])
    assert str(caught.value).startswith("[transform] received <powertrain.data.transforms.Scale object at ")
    assert str(caught.value).endswith(
        "expected the name of a transform in quotes; pass its class, as [Scale], or "
        '[{"use": Scale, ...}] with its parameters'
    )
