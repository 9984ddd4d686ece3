"""Compiled functions whose slots are laid out anew: after their trace, and by another thread in the middle of it."""

from __future__ import annotations

import logging
import threading
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from numpy_backend import NumPyBackend
from powertrain import _core, nn

X = np.ones((2, 3), np.float32)


def two_layers() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))


def trained(optimizer: Any, part: nn.Module, model: nn.Module) -> None:
    gradients = pt.nn.value_and_grad(part, lambda: (model(X) ** 2).sum())()[1]
    optimizer.update(gradients)


@pytest.mark.parametrize("backend", [None, NumPyBackend()], ids=["engine", "backend"])
def test_parameters_that_a_later_optimizer_takes_out_of_an_earlier_ones_buffer(
    backend: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Their old memory is still there, and whoever looks there sees what they were."""
    model = two_layers()
    pt.optim.SGD(model, lr=0.1)
    predict = pt.compile(lambda x: model(x), backend=backend)
    predict(X)
    for part in (model[0], model[1], model):
        optimizer = pt.optim.SGD(part, lr=0.5)
        trained(optimizer, part, model)
        with caplog.at_level(logging.INFO, logger="powertrain"):
            np.testing.assert_allclose(np.array(predict(X)), model(X).numpy(), rtol=1e-6)
    assert "was laid out by another optimizer" in caplog.text
    traces = predict.traces
    trained(optimizer, model, model)
    np.testing.assert_allclose(np.array(predict(X)), model(X).numpy(), rtol=1e-6)
    assert predict.traces == traces


def test_a_slot_that_is_written_as_a_piece_and_leaves() -> None:
    a, b = pt.Slot(pt.ones((3,)), "a"), pt.Slot(pt.ones((2,)), "b")
    pt.flatten_slots([a, b], "flat")

    @pt.compile
    def assign() -> None:
        a.value = pt.full((3,), 7.0)

    assign()
    pt.flatten_slots([a], "other")
    a.value = pt.zeros((3,))
    assign()
    assert a.numpy().tolist() == [7.0] * 3 and assign.traces == 2
    assert b.numpy().tolist() == [1.0] * 2


def test_a_piece_that_is_gone_keeps_no_program_from_running() -> None:
    kept, gone = pt.Slot(pt.ones((3,)), "kept"), pt.Slot(pt.ones((3,)), "gone")
    pt.flatten_slots([kept, gone], "flat")
    holder = [gone]
    total = pt.compile(lambda: kept.value.sum() + (holder[0].value.sum() if holder else 0.0))
    assert total().item() == 6.0
    holder.clear()
    del gone
    assert total().item() == 6.0  # what a list holds is no fact


def laid_out_by_another_thread(*slots: pt.Slot) -> pt.Slot:
    made: list[pt.Slot] = []
    thread = threading.Thread(target=lambda: made.append(pt.flatten_slots(list(slots), "flat")))
    thread.start()
    thread.join()
    return made[0]


def test_slots_that_another_thread_lays_out_in_the_middle_of_a_trace() -> None:
    """The first read is of the slot itself, the assignment of a piece: of the same memory."""
    w, other = pt.Slot(pt.full((64, 64), 3.0), "w"), pt.Slot(pt.zeros((4,)), "other")
    unit = pt.eye(64)

    @pt.compile
    def step() -> tuple[Any, Any]:
        before = w.value
        if w.base is None:
            laid_out_by_another_thread(w, other)
        w.value = before + 1.0
        pt.end_phase()
        return before @ unit, w.value @ unit

    for want in (3.0, 4.0):
        before, after = step()
        assert (before[0, 0].item(), after[0, 0].item(), w.value[0, 0].item()) == (want, want + 1, want + 1)
    assert step.traces == 1


def test_slots_that_are_laid_out_each_time() -> None:
    w = pt.Slot(pt.zeros((3,)), "w")

    @pt.compile
    def step() -> Any:
        before = w.value
        laid_out_by_another_thread(w)
        return before

    with pytest.raises(pt.TraceError) as raised:
        step()
    assert str(raised.value) == (
        "[step] slots that it reads were laid out by another thread each time that it was traced; expected them to "
        "stay; make optimizers before the first call"
    )


def test_a_piece_of_a_flat_slot_copies_an_array_once() -> None:
    slots = [pt.Slot(np.zeros(size, np.float32)) for size in (4, 3)]
    flat = pt.flatten_slots(slots, "flat")
    given, backwards = np.arange(4, dtype=np.float32), np.arange(6, dtype=np.float32)[::-2]
    before = _core.allocations()
    slots[0].value = given
    assert _core.allocations() == before
    given[:] = 9
    slots[1].value = backwards
    backwards[:] = 9
    assert [slot.numpy().tolist() for slot in slots] == [[0, 1, 2, 3], [5, 3, 1]]
    slots[1].value = slots[1].numpy()[::-1]
    assert slots[1].numpy().tolist() == [1, 3, 5]
    assert flat.numpy()[:4].tolist() == [0, 1, 2, 3]


def test_between_the_pieces_of_a_flat_slot_are_zeros() -> None:
    """Of memory that somebody used before."""
    sizes = (3, 16, 17, 1)
    for _ in range(3):
        pt.Slot(np.full(96, np.nan, np.float32)).value = pt.full((96,), np.nan) * 1
        flat = pt.flatten_slots([pt.Slot(np.ones(size, np.float32)) for size in sizes], "flat").numpy()
        assert flat.sum() == sum(sizes)
