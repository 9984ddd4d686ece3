"""The calls of a random graph against NumPy, each by itself on the values that it was given.

The bound is the one rule of oracles.py with the case file's reference, magnitude and K.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from calls import outputs, to_array
from fuzz_ops import Call
from kit import case_files
from oracles import EPS, check

# Within these a float32 computation of one op neither overflows nor loses what float64 keeps.
MODERATE = (1e-4, 1e4)
# A case file's K fits the inputs that it draws; here come others.
K = 4
# Ops whose integer inputs are places, or the condition of a choice.
OF_PLACES = ("take", "where")
FILES = case_files()



def against_numpy(calls: Sequence[Call], values: Sequence[Any]) -> Iterator[str]:
    """What is wrong with the calls of a graph, each by itself."""
    for call in calls:
        module = FILES.get(call.op)
        given = [to_array(values[at]) for at in call.places]
        if module is None or not all(map(moderate, given)):
            continue
        # The ops that compute with integers as floats say so in the results.
        computes = values[call.made[0]].dtype.is_float and call.op not in OF_PLACES
        wide = [value.astype("float64") if value.dtype.kind == "f" or computes else value for value in given]
        try:
            want, sizes = referred(call, module, wide)
        except ValueError:  # NumPy refuses: an integer to a negative power, a reshape of nothing to -1
            continue
        for at, value, size in zip(call.made, want, sizes, strict=True):
            got = values[at]
            try:
                if value.dtype.kind in "biu" or got.dtype.name not in EPS:
                    np.testing.assert_array_equal(to_array(got), value)
                else:
                    k = K * max(1, getattr(module, "K", 4))
                    check(to_array(got), value, size, k, got.dtype.name, call.op)
            except AssertionError as error:
                yield f"v{at} = {call} against NumPy: {' '.join(str(error).split())}"


def referred(call: Call, module: Any, inputs: list[Any]) -> tuple[list[Any], list[Any]]:
    """The reference's results, and the size of what each summed."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing
        want = [np.asarray(y) for y in outputs(call.applied_to(module.reference, inputs))]
        magnitude = getattr(module, "magnitude", None)
        return want, [np.asarray(y) for y in outputs(call.applied_to(magnitude, inputs))] if magnitude else want


def moderate(array: Any) -> bool:
    if array.dtype.kind != "f":
        return True
    size = np.abs(array[array != 0])
    return bool(((size >= MODERATE[0]) & (size <= MODERATE[1])).all())
