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
# NumPy sums one by one along an axis that is not the last: of equal numbers, its own error in float64 is a rounding for
# each.
SUMMED = ("sum", "mean", "var", "std", "prod", "vector_norm", "cumulative_sum", "normalize", "layer_norm", "rms_norm")
# One element after the other in float64: nothing is wider, so that a float64 result has a rounding for each.
RUNNING = ("cumulative_sum", "cumulative_prod")
FILES = case_files()


def against_numpy(calls: Sequence[Call], values: Sequence[Any]) -> Iterator[str]:
    """What is wrong with the calls of a graph, each by itself."""
    for call in calls:
        module = FILES.get(call.op)
        if module is None:
            continue
        given = [to_array(values[at]) for at in call.places]
        # The ops that compute with integers as floats say so in the results: float32 unless a float64 is among them.
        if values[call.made[0]].dtype.is_float and call.op not in OF_PLACES:
            computed = "float64" if values[call.made[0]].dtype.name == "float64" else "float32"
            given = [value.astype(computed) if value.dtype.kind in "biu" else value for value in given]
        if not all(map(moderate, given)):
            continue
        widest = np.longdouble if call.op in SUMMED else np.float64
        wide = [value.astype(widest) if value.dtype.kind == "f" else value for value in given]
        try:
            want, sizes = referred(call, module, wide)
        except ValueError:  # NumPy refuses: an integer to a negative power, a reshape of nothing to -1
            continue
        for at, value, size in zip(call.made, want, sizes, strict=True):
            try:
                compare(call, to_array(values[at]), value, size, values[at].dtype.name, wide)
            except AssertionError as error:
                yield f"v{at} = {call} against NumPy: {' '.join(str(error).split())}"


def compare(call: Call, got: Any, want: Any, size: Any, dtype: str, given: list[Any]) -> None:
    if want.dtype.kind in "biu" or dtype not in EPS:
        np.testing.assert_array_equal(got, want)
        return
    assert got.shape == want.shape, f"shape {got.shape}, expected {want.shape}"
    held = np.broadcast_to(held_in_between(call, given, dtype), got.shape)
    with np.errstate(over="ignore"):
        want, size = want.astype("float64"), np.broadcast_to(size, got.shape).astype("float64")
    k = K * max(1, getattr(FILES[call.op], "K", 4))
    if call.op in RUNNING and dtype == "float64":
        k = max(k, want.shape[call.rest["axis"]])
    check(got[held], want[held], size[held], k, dtype, call.op)


def held_in_between(call: Call, given: list[Any], dtype: str) -> Any:
    """Where the dtype that is computed in holds every partial result, in whichever order they are made."""
    if call.op != "prod":
        return True
    limits = np.finfo("float64" if dtype == "float64" else "float32")
    with np.errstate(all="ignore"):
        size = np.abs(given[0])
        largest = call.applied_to(np.prod, [np.maximum(size, 1)])
        smallest = call.applied_to(np.prod, [np.where(size < 1, size, 1)])
    # A zero makes all of a finite product 0.
    return (largest <= limits.max) & ((smallest >= limits.tiny) | (smallest == 0))


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
