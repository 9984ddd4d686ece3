"""Every op gives with a signaling NaN what it gives with a quiet one, the payload of a NaN aside."""

from __future__ import annotations

import random

import pytest

import powertrain as pt
import signaling_nan
from calls import SPECS, Variables, float_elements, outputs, to_array
from extremes import FILES, LARGEST
from kit import FLOATS, Array, Case
from oracles import same_bits

NAMES = sorted(set(FILES) & set(SPECS))


def largest_case(name: str) -> Case | None:
    """That of most elements which still is quick; None for an op of integers."""
    cases = [case for case in FILES[name].CASES if 0 < float_elements(case) <= LARGEST]
    return max(cases, key=float_elements, default=None)


def results(variables: Variables, tensors: list[object]) -> list[Array]:
    return [to_array(y) for y in outputs(variables.apply(*tensors))]


@pytest.mark.parametrize("name", NAMES)
def test_a_signaling_nan_is_a_nan(name: str) -> None:
    case = largest_case(name)
    for dtype in getattr(FILES[name], "DTYPES", FLOATS) if case else ():
        variables = Variables(name, case, dtype)
        tensors = variables.tensors()
        for which, tensor in enumerate(tensors):
            planted = signaling_nan.plant(tensor, random.Random(which))
            signaling, quiet = (
                results(variables, [*tensors[:which], one, *tensors[which + 1 :]])
                for one in (planted, signaling_nan.quiet(planted))
            )
            assert all(map(same_bits, signaling, quiet)), f"{name}, {dtype}: input {which}"


def test_what_is_planted_is_signaling() -> None:
    for dtype, (_, unsigned, _, bit) in signaling_nan.FLOATS.items():
        tensor = pt.zeros((3, 4), dtype=dtype)
        planted = signaling_nan.in_numpy(signaling_nan.plant(tensor, random.Random(0))).view(unsigned)
        nans = planted[planted != 0]
        assert nans.size and not (nans & unsigned(bit)).any()
