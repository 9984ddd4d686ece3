"""A gradient that is only looked at begins a phase that nobody ends. It keeps no memory, and undoes nothing else."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.report.process import resident_bytes

MEGABYTES = 1 << 20


def look_at_gradients(model: pt.nn.Module) -> None:
    pt.nn.value_and_grad(model, lambda x: model(x).sum())(pt.ones((4, 3)))


def trip() -> None:
    with pytest.raises(pt.NonFiniteError):
        pt.guard(pt.tensor(np.inf))


def test_slots_of_later_models_are_not_kept() -> None:
    look_at_gradients(pt.nn.Linear(3, 2))
    values = np.ones(MEGABYTES, np.float32)
    before = resident_bytes()
    for _ in range(300):
        slot = pt.Slot(pt.tensor(values))
        slot.value = slot.value + 1.0
    for _ in range(300):
        slot.value = slot.value + 1.0
    gone = weakref.ref(slot)
    del slot
    gc.collect()
    assert gone() is None
    # 600 times 4 MB were written. The engine keeps some memory for the next tensors.
    assert resident_bytes() - before < 800 * MEGABYTES


def test_a_loaded_state_stays() -> None:
    model, other = pt.nn.Linear(3, 2), pt.nn.Linear(3, 2)
    optimizer, ahead = pt.optim.AdamW(model, 0.1), pt.optim.AdamW(other, 0.1)
    ahead.update(pt.nn.value_and_grad(other, lambda x: other(x).sum())(pt.ones((4, 3)))[1])
    look_at_gradients(model)
    model.load_state_dict(other.state_dict())
    optimizer.load_state_dict(ahead.state_dict())
    trip()
    for held, wanted in ((model, other), (optimizer, ahead)):
        state = wanted.state_dict()
        assert all(np.array_equal(value, state[name]) for name, value in held.state_dict().items())


def test_what_a_checkpoint_gave_stays(tmp_path: Path) -> None:
    data = np.ones((8, 2), np.float32), np.arange(8) % 2

    def fit(resume: bool) -> pt.TrainedRun:
        return pt.fit(model="mlp", data=data, epochs=2, batch_size=4, folder=tmp_path, resume=resume, verbose=False)

    trained = fit(False).model.state_dict()
    look_at_gradients(pt.nn.Linear(3, 2))
    again = fit(True)  # a run that is done takes no step
    trip()
    state = again.model.state_dict()
    assert all(np.array_equal(value, trained[name]) for name, value in state.items())


def test_what_a_compiled_step_wrote_stays() -> None:
    """The first write is the eager phase's; the step that comes after it is a step of its own."""
    count = pt.Slot(pt.tensor(0.0))
    pieces = pt.Slot(pt.tensor([0.0, 0.0]))

    @pt.compile
    def step() -> None:
        count.value += 1.0
        pieces.value += 1.0

    look_at_gradients(pt.nn.Linear(3, 2))
    count.value = count.value + 10.0
    pieces.value = pieces.value + 10.0
    step()
    trip()
    assert count.value.item() == 11.0 and pieces.value.tolist() == [11.0, 11.0]


def test_what_a_flat_step_wrote_stays() -> None:
    model = pt.nn.Linear(3, 2)
    look_at_gradients(model)
    assert model.bias is not None
    model.bias.value = model.bias.value + 1.0
    optimizer = pt.optim.SGD(model, lr=0.1)  # from here on the weights are pieces of one slot

    @pt.compile
    def step(x: pt.Tensor) -> None:
        optimizer.update(pt.nn.value_and_grad(model, lambda: model(x).sum())()[1])

    step(pt.ones((4, 3)))
    trained = model.state_dict()
    trip()
    assert all(np.array_equal(value, trained[name]) for name, value in model.state_dict().items())


def test_what_belongs_to_the_phase_is_undone() -> None:
    """Also where others were written meanwhile, and more slots than the phase begins with were dropped."""
    norm, other = pt.nn.Sequential(pt.nn.Linear(3, 4), pt.nn.BatchNorm1d(4)), pt.nn.Linear(3, 2)
    optimizer = pt.optim.SGD(norm, lr=0.1)
    before = norm.state_dict()
    _, grads = pt.nn.value_and_grad(norm, lambda x: norm(x).sum())(pt.ones((4, 3)))
    assert any(not np.array_equal(value, before[name]) for name, value in norm.state_dict().items())
    for _ in range(200):
        dropped = pt.Slot(pt.tensor(1.0))
        dropped.value = dropped.value + 1.0
    other.load_state_dict(pt.nn.Linear(3, 2).state_dict())
    grads["0.bias"] = pt.tensor([1.0, np.nan, np.inf, 0.0])
    with pytest.raises(pt.NonFiniteError):
        optimizer.update(grads)
    assert all(np.array_equal(value, before[name]) for name, value in norm.state_dict().items())
