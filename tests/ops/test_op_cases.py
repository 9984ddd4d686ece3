"""What the cases of each op must not leave out, and calls made of them: of nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from calls import SPECS, Variables, outputs, to_array
from kit import FLOATS, Case, Draw, case_files, normal, one_of_each_form, unary, values
from oracles import same_bits

FILES = case_files()
PRESENT = sorted(set(FILES) & set(SPECS))
# Where nothing along the first axis has no answer: these say so, as NumPy and PyTorch do of most.
REFUSE_NOTHING = {"batch_norm", "broadcast_to", "group_norm", "instance_norm"}


def without_rows(case: Case, least: int) -> Case | None:
    """The call with none of what its first input has along the first axis; of inputs of fewer axes there is none."""
    draws = [value for value in case.inputs if isinstance(value, Draw)]
    if not draws or len(draws[0].shape) < least or draws[0].shape[0] == 0:
        return None
    rows = draws[0].shape[0]

    def cut(value: Any) -> Any:
        if not isinstance(value, Draw) or not value.shape or value.shape[0] != rows:
            return value
        return Draw(f"{value}[:0]", lambda rng: value.make(rng)[:0], (0, *value.shape[1:]), value.dtype)

    return Case(*map(cut, case.inputs), **{key: cut(value) for key, value in case.rest.items()})


def test_each_form_counts_wherever_it_is_listed() -> None:
    """Second derivatives are compared of these: not of each size, but of every point that a file names."""
    own = [Case(values([-1.0, 0.0])), Case(normal((40,)), limit=2.0), Case(normal((40,), 3.0))]
    chosen = one_of_each_form([*unary(normal), *own, Case(normal((3,)), limit=2.0)])
    assert [repr(case) for case in chosen] == [
        "Case(normal((15,), 1.0, 0.0))", "Case(normal((), 1.0, 0.0))", "Case(normal((3, 5, 7), 1.0, 0.0))",
        *map(repr, own),
    ]  # fmt: skip


@pytest.mark.parametrize("name", PRESENT)
def test_of_nothing(name: str) -> None:
    """Empty results from empty inputs, eager and compiled; or an error that says so, from ops that are known for it."""
    module = FILES[name]
    dtype = next(d for d in ("float32", *FLOATS) if d in getattr(module, "DTYPES", FLOATS))
    given = [to_array(x) for case in module.CASES for x in Variables(name, case, dtype).tensors()]
    answered = any(x.size == 0 for x in given)
    for case in [case for least in (3, 2) for case in module.CASES if without_rows(case, least)]:
        if answered:
            break
        empty = Variables(name, without_rows(case, 2) or case, dtype)
        try:
            got = [to_array(y) for y in empty(*empty.tensors())]
        except (pt.ShapeError, pt.IndexError) as error:
            assert str(error).startswith(f"[{name}] "), error
            continue
        compiled = pt.compile(lambda *xs, empty=empty: tuple(empty(*xs)))
        again = [to_array(y) for y in outputs(compiled(*empty.tensors()))]
        assert all(map(same_bits, again, got)), f"{name} {case} of nothing: compiled differs from eager"
        answered = True
    assert answered != (name in REFUSE_NOTHING), name


@pytest.mark.parametrize("name", [name for name in PRESENT if SPECS[name]["elementwise"]])
def test_cases_of_an_elementwise_op_leave_nothing_out(name: str) -> None:
    """A scalar, nothing at all, what broadcasts, and numbers at the end of the range are among them."""
    calls = [case.make("float32") for case in FILES[name].CASES]
    arrays = [[np.asarray(x) for x in (*inputs, *rest.values())] for inputs, rest in calls]
    given = [x for call in arrays for x in call]
    assert any(x.ndim == 0 for x in given), "no case of a scalar"
    assert any(x.size == 0 for x in given), "no case of nothing"
    if len(SPECS[name]["inputs"]) > 1:
        assert any(len({x.shape for x in call}) > 1 for call in arrays), "no case that broadcasts"
    floats = [x for x in given if x.dtype.kind == "f"]
    if floats:
        assert any(not np.isfinite(x).all() for x in floats), "no case of infinities or NaN"
