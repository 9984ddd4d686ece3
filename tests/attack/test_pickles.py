"""Damaged pickles of tensors, modules, optimizers' states and estimators: none crashes or ends in our traceback."""

from __future__ import annotations

import pickle

import pytest

import powertrain as pt
from attack import pickles
from attack.commands import examine

COUNT, PART = 440, 110


@pytest.mark.slow
@pytest.mark.parametrize("part", range(COUNT // PART))
def test_damaged_pickles_end_well(part: int) -> None:
    assert examine(pickles, "pickle", part * PART, PART) == []


def test_whole_ones_are_used() -> None:
    """Otherwise what is found of damaged ones says nothing."""
    for value, use in pickles.subjects():
        use(pickle.loads(pickle.dumps(value)))


def test_a_state_that_is_none_of_a_module_is_named() -> None:
    layer = pt.nn.Linear(2, 3)
    state = {**layer.__getstate__(), "_slots": dict(layer._slots)}  # as it comes out of a pickle
    rest = (
        "; expected what pickle.dumps made of a module, whole; pickle it again, or keep its numbers by "
        "pt.save(path, model=model)"
    )
    for wrong, said in (
        ([1], "that is a list"),
        ({name: value for name, value in state.items() if name != "_slots"}, "without _slots"),
        ({**state, "_slots": {"weight": 3}}, "whose _slots hold something else"),
        ({**state, "training": 1}, "without training"),
    ):
        with pytest.raises(pt.nn.StateError) as caught:
            pt.nn.Linear.__new__(pt.nn.Linear).__setstate__(wrong)
        assert str(caught.value) == f"[Linear] received a pickled state {said}{rest}"
