"""Parameters that are drawn when they are first read: the same numbers, whoever reads them; none where nobody does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import _core
from powertrain.nn.init.later import drawn_later
from powertrain.random import Generator

RANDOM = np.random.default_rng(0)


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The sizes of what is drawn from here on."""
    found: list[Any] = []
    inner = Generator._draw

    def noted(self: Generator, op: str, size: Any, dtype: Any) -> Any:
        if size:
            found.append(tuple(size))
        return inner(self, op, size, dtype)

    monkeypatch.setattr(Generator, "_draw", noted)
    return found


def layers() -> pt.nn.Module:
    return pt.nn.Sequential(
        pt.nn.Linear(300, 256), pt.nn.Linear(256, 300, std=0.02), pt.nn.Embedding(260, 256, padding_idx=3),
        pt.nn.EmbeddingBag(260, 256), pt.nn.MultiheadAttention(160, 4), pt.nn.Linear(3, 2),
    )  # fmt: skip


def test_they_have_the_same_numbers_and_leave_the_generator_alike() -> None:
    pt.random.seed(5)
    wanted, after = layers(), pt.random.normal(size=3).tolist()
    pt.random.seed(5)
    with drawn_later():
        made = layers()
    assert pt.random.normal(size=3).tolist() == after
    pairs = zip(wanted.named_slots(), made.named_slots(), strict=True)
    assert all(a[0] == b[0] and a[1].numpy().tobytes() == b[1].numpy().tobytes() for a, b in pairs)


def test_of_a_generator_of_ones_own_too() -> None:
    first, second = Generator(7), Generator(7)
    wanted = [pt.nn.Linear(256, 256, generator=first) for _ in range(2)]
    with drawn_later():
        made = [pt.nn.Linear(256, 256, generator=second) for _ in range(2)]
    for a, b in reversed(list(zip(wanted, made, strict=True))):
        assert np.array_equal(a.weight.numpy(), b.weight.numpy())
    assert first.slot.numpy().tolist() == second.slot.numpy().tolist()


def test_nothing_is_drawn_of_what_is_replaced(draws: list[Any]) -> None:
    with drawn_later():
        layer = pt.nn.Linear(256, 256, std=0.02)
    assert draws == []
    layer.weight.value = np.ones((256, 256), np.float32)
    assert layer.weight.numpy().sum() == 256 * 256 and draws == []


def test_small_ones_are_drawn_at_once(draws: list[Any]) -> None:
    with drawn_later():
        pt.nn.Linear(4, 4, std=0.02)
    assert draws == [(4, 4)]


@pytest.mark.parametrize(
    "read",
    [
        lambda slot: slot.numpy(),
        lambda slot: np.asarray(slot),
        lambda slot: slot.value.numpy(),
        lambda slot: (slot * 1).numpy(),
        lambda slot: pt.compile(lambda: slot.value + 0)().numpy(),
        lambda slot: pt.Slot(slot.value).numpy(),
        lambda slot: pt.Slot(slot).numpy(),
    ],
)
def test_whoever_reads_finds_them(read: Callable[[pt.Slot], Any]) -> None:
    wanted = pt.nn.Linear(256, 256, generator=Generator(1)).weight.numpy()
    with drawn_later():
        slot = pt.nn.Linear(256, 256, generator=Generator(1)).weight
    assert np.array_equal(read(slot), wanted)
    assert np.array_equal(slot.numpy(), wanted)


def test_a_trace_that_reads_them_first_does_not_draw_in_each_call(draws: list[Any]) -> None:
    with drawn_later():
        layer = pt.nn.Linear(256, 256, std=0.02, generator=Generator(1))
    step = pt.compile(lambda x: layer(x))
    first, second = step(pt.ones((1, 256))), step(pt.ones((1, 256)))
    assert draws == [(256, 256)]
    assert np.array_equal(first.numpy(), second.numpy())


def test_gradients_know_nothing_of_the_draw() -> None:
    with drawn_later():
        layer = pt.nn.Linear(256, 256, std=0.02, generator=Generator(1))
    x = pt.ones((2, 256))
    later = pt.grad(lambda w: pt.sum(pt.matmul(x, w)))(layer.weight.value)
    assert np.array_equal(later.numpy(), np.full((256, 256), 2, np.float32))


def flat_pair() -> tuple[list[pt.Slot], pt.Slot, list[Any]]:
    """Two slots drawn later and one between that is not, in one flat slot; what they are."""
    wanted = [pt.nn.Linear(256, 256, std=1.0, generator=Generator(seed)).weight.numpy() for seed in (1, 2)]
    with drawn_later():
        first, last = (pt.nn.Linear(256, 256, std=1.0, generator=Generator(seed)).weight for seed in (1, 2))
    slots = [first, pt.Slot(np.arange(3.0, dtype=np.float32)), last]
    return slots, pt.flatten_slots(slots, "flat"), [wanted[0], np.arange(3.0, dtype=np.float32), wanted[1]]


def test_in_a_flat_slot_they_are_drawn_when_read(draws: list[Any]) -> None:
    slots, flat, wanted = flat_pair()
    before = len(draws)
    assert flat.shape[0] > 2 * 256 * 256 and len(draws) == before
    for slot, value in zip(slots, wanted, strict=True):
        assert np.array_equal(slot.numpy(), value)
    assert len(draws) == before + 2
    assert np.array_equal(flat.numpy()[: 256 * 256], wanted[0].ravel())


def test_in_a_flat_slot_the_others_stay_when_one_is_replaced(draws: list[Any]) -> None:
    slots, flat, wanted = flat_pair()
    before = len(draws)
    slots[2].value = pt.ones((256, 256))
    slots[1].value = pt.zeros(3)
    assert len(draws) == before
    assert np.array_equal(slots[0].numpy(), wanted[0]) and len(draws) == before + 1
    assert slots[2].numpy().min() == 1 and slots[1].numpy().max() == 0
    assert np.array_equal(flat.numpy()[: 256 * 256], wanted[0].ravel())


def test_replacing_all_of_a_flat_slot_draws_nothing(draws: list[Any]) -> None:
    slots, flat, _ = flat_pair()
    before = len(draws)
    flat.value = pt.ones(flat.shape)
    assert slots[0].numpy().min() == 1 and len(draws) == before


def test_a_part_of_one_is_written_over_what_is_drawn() -> None:
    _, flat, wanted = flat_pair()
    part = _core.slot_view(flat, 10, [5], "part")
    part.value = pt.zeros(5)
    value = wanted[0].ravel().copy()
    value[10:15] = 0
    assert np.array_equal(flat.numpy()[: 256 * 256], value)


def test_out_of_a_flat_slot_and_into_another() -> None:
    slots, _, wanted = flat_pair()
    other = pt.flatten_slots(slots[::-1], "other")
    for slot, value in zip(slots, wanted, strict=True):
        assert slot.base is other and np.array_equal(slot.numpy(), value)


def test_another_dtype_is_of_what_is_drawn() -> None:
    wanted = pt.nn.Linear(256, 256, generator=Generator(1), dtype="float64").weight.numpy()
    with drawn_later():
        made = pt.nn.Linear(256, 256, generator=Generator(1), dtype="float64").weight.numpy()
    assert wanted.dtype == np.float64 and np.array_equal(made, wanted)


def test_a_function_that_makes_something_else_is_an_error_that_repeats() -> None:
    slot = _core.slot_later(lambda: pt.zeros(2), (3,), "float32", "w")
    for _ in range(2):
        with pytest.raises(pt.ShapeError) as caught:
            slot.numpy()
        assert str(caught.value) == (
            "[slot] its first value is f32[2]; expected f32[3]; give a function that makes what was said"
        )
    slot.value = pt.ones(3)
    assert slot.numpy().tolist() == [1, 1, 1]


def test_a_piece_of_a_flat_slot_keeps_no_memory_that_it_was_given() -> None:
    slots = [pt.Slot(np.zeros(4, np.float32)), pt.Slot(np.zeros(3, np.float32))]
    pt.flatten_slots(slots, "flat")
    given = np.arange(4, dtype=np.float32)
    slots[0].value = given
    given[:] = 9
    assert slots[0].numpy().tolist() == [0, 1, 2, 3]
    wide = np.arange(6, dtype=np.float64)[::2]
    slots[1].value = np.asarray(wide, np.float32)[::-1]
    assert slots[1].numpy().tolist() == [4, 2, 0]
