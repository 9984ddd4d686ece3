"""x[1:][0] = 5 writes into a value that nothing holds: an error. What anything holds is written."""

from __future__ import annotations

import operator

import pytest

import powertrain as pt


class Holder:
    def __init__(self) -> None:
        self.tensor = pt.zeros((2, 2))

    @property
    def made(self) -> pt.Tensor:
        return self.tensor + 0


@pytest.mark.parametrize(
    "statement",
    [
        "x[1:][0] = 5",
        "x[0][0] += 5",
        "(x + 0)[0] = 5",
        "holder.made[0] = 5",
        "pt.zeros(3).__setitem__(0, 1)",
        "x.T[0] = 1",
    ],
)
def test_elements_of_what_nothing_holds_are_refused(statement: str) -> None:
    x, holder = pt.zeros((2, 2)), Holder()
    with pytest.raises(pt.IndexError, match=r"a tensor that nothing holds.*write one index, such as x\[1\] = 5"):
        exec(statement, {"x": x, "holder": holder, "pt": pt})
    assert not x.any()


def test_elements_of_what_anything_holds_are_written() -> None:
    x, rows, named, holder = pt.zeros(2), [pt.zeros(2)], {"a": pt.zeros(2)}, Holder()
    x[0] = 1
    rows[0][0] = 1
    named["a"][0] = 1
    holder.tensor[0, 0] = 1
    (y := pt.zeros(2))[0] = 1
    for each in (pt.zeros(2), pt.zeros(2)):
        each[0] = 1
        assert each.tolist() == [1, 0]
    operator.setitem(x, 1, 2)
    pt.Tensor.__setitem__(y, 1, 2)

    def inside() -> None:
        x[0] = 3

    inside()
    assert [one.tolist() for one in (x, y, rows[0], named["a"])] == [[3, 2], [1, 2], [1, 0], [1, 0]]
    assert holder.tensor.tolist() == [[1, 0], [0, 0]]
