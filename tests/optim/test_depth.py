"""Rates by the depth of a layer, and layers that begin to be trained later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from optimizer_definitions import adam64
from powertrain import optim
from powertrain.optim.depth import layers_of

NAMES = (
    "embed.weight", "places.weight", "blocks.0.a.weight", "blocks.0.b.bias", "blocks.1.a.weight", "norm.weight",
    "head.weight", "head.bias",
)  # fmt: skip


def slots(names: tuple[str, ...] = NAMES, seed: int = 0) -> list[tuple[str, pt.Slot]]:
    draw = np.random.default_rng(seed)
    return [
        (name, pt.Slot(pt.tensor(draw.normal(0, 0.02, (3, 4)).astype("float32")), name, trainable=True))
        for name in names
    ]


def gradients(steps: int, count: int = len(NAMES), seed: int = 1) -> list[list[Any]]:
    draw = np.random.default_rng(seed)
    return [[draw.normal(0, 1, (3, 4)).astype("float32") for _ in range(count)] for _ in range(steps)]


def run(opt: Any, grads: list[list[Any]], compiled: bool = False) -> None:
    def step(*given: Any) -> None:
        opt.update(list(given))

    call = pt.compile(step) if compiled else step
    for one in grads:
        call(*map(pt.tensor, one))


@pytest.mark.parametrize(
    ("names", "layers"),
    [
        (NAMES, [0, 0, 1, 1, 2, 3, 3, 3]),
        (("0.weight", "0.bias", "2.weight"), [0, 0, 1]),
        (("conv.weight", "conv.bias", "head.weight"), [0, 0, 1]),
        (("encoder.layers.0.a.weight", "bridge.weight", "decoder.layers.0.a.weight"), [0, 1, 2]),
        (("weight",), [0]),
    ],
)
def test_layers_are_what_stands_under_one_number(names: tuple[str, ...], layers: list[int]) -> None:
    assert list(layers_of(names).values()) == layers


def test_each_layer_has_the_rate_of_the_next_one_times_the_factor() -> None:
    opt = optim.AdamW(
        slots(), lr=0.01, weight_decay=0.1, layer_decay=0.5,
        groups=[{"match": "*.bias", "weight_decay": 0.0}, {"match": "embed.*", "lr": 0.004}],
    )  # fmt: skip
    found = {name: (group["lr"], group["weight_decay"]) for group in opt.param_groups for name in group["names"]}
    want = {"embed.weight": 0.004, "places.weight": 0.01 / 8, "blocks.0.a.weight": 0.0025, "blocks.0.b.bias": 0.0025,
            "blocks.1.a.weight": 0.005, "norm.weight": 0.01, "head.weight": 0.01, "head.bias": 0.01}  # fmt: skip
    for name, rate in want.items():
        assert found[name] == (pytest.approx(rate, rel=1e-12), 0.0 if name.endswith("bias") else 0.1), name


def test_a_frozen_layer_is_not_counted() -> None:
    named = slots()
    for _, slot in named[:2]:
        slot.trainable = False
    opt = optim.SGD(named, lr=1.0, layer_decay=0.5)
    assert {group["lr"] for group in opt.param_groups} == {0.25, 0.5, 1.0}


@pytest.mark.parametrize("compiled", [False, True])
def test_a_layer_that_begins_later_moves_as_an_optimizer_that_is_made_then(compiled: bool) -> None:
    """Displacement against float64: moments and their correction begin with the layer, decay too."""
    named, grads = slots(), gradients(7)
    before = {name: slot.numpy().astype("float64") for name, slot in named}
    opt = optim.AdamW(named, lr=1e-2, weight_decay=0.1, unfreeze_every=2)
    run(opt, grads, compiled)
    for place, (name, layer) in enumerate(layers_of(NAMES).items()):
        start = 2 * (3 - layer)
        want = adam64(before[name], [one[place].astype("float64") for one in grads[start:]], 1e-2, 0.1, True)
        moved, should = named[place][1].numpy() - before[name], want - before[name]
        assert np.linalg.norm(should) > 0
        assert np.linalg.norm(moved - should) <= 1e-4 * np.linalg.norm(should), name


def test_what_has_not_begun_keeps_its_bits_and_counts_in_no_norm() -> None:
    grads = gradients(3)
    for one in grads:
        one[0] = one[0] * 1e6  # of a layer that is not trained yet
    named, alone = slots(), slots()[1:]
    groups = [{"match": "embed.*", "start": 3}]
    first = named[0][1].numpy().copy()
    opt = optim.SGD(named, lr=0.1, momentum=0.9, clip=1.0, groups=groups)
    run(opt, grads)
    run(optim.SGD(alone, lr=0.1, momentum=0.9, clip=1.0), [one[1:] for one in grads])
    np.testing.assert_array_equal(named[0][1].numpy(), first)
    for (_, slot), (_, other) in zip(named[1:], alone, strict=True):
        np.testing.assert_array_equal(slot.numpy(), other.numpy())
    run(opt, gradients(1))
    assert not np.array_equal(named[0][1].numpy(), first)


def test_with_accumulation_updates_are_counted() -> None:
    named, grads = slots(), gradients(4)
    opt = optim.SGD(named, lr=0.1, accumulate=2, groups=[{"match": "embed.*", "start": 1}])
    first = named[0][1].numpy().copy()
    run(opt, grads)
    want = first - 0.1 * (grads[2][0] + grads[3][0]) / 2
    np.testing.assert_allclose(named[0][1].numpy(), want, rtol=0, atol=1e-6)


def test_a_state_goes_on_in_the_middle() -> None:
    grads = gradients(6)
    straight = slots()
    run(optim.Adam(straight, lr=1e-2, unfreeze_every=2), grads)
    named = slots()
    half = optim.Adam(named, lr=1e-2, unfreeze_every=2)
    run(half, grads[:3])
    again = slots(seed=5)
    for (_, slot), (_, old) in zip(again, named, strict=True):
        slot.value = old.value
    opt = optim.Adam(again, lr=1e-2, unfreeze_every=2)
    opt.load_state_dict(half.state_dict())
    run(opt, grads[3:])
    for (_, slot), (_, other) in zip(again, straight, strict=True):
        np.testing.assert_array_equal(slot.numpy(), other.numpy())


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"layer_decay": 0.0}, "[optimizer] layer_decay = 0; expected 0 < layer_decay < 1, or None; 0.8 is usual"),
        ({"layer_decay": float("nan")}, "[optimizer] layer_decay = nan; expected 0 < layer_decay < 1, or None; 0.8 is "
                                        "usual"),
        ({"unfreeze_every": 0}, "[optimizer] unfreeze_every = 0; expected a whole number >= 1, or None; the updates of "
                                "an epoch are usual"),
        ({"groups": [{"match": "*.bias", "start": -1}]}, "[optimizer groups.start] received -1; expected a whole "
                                                         "number >= 0"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(pt.Error) as caught:
        optim.SGD(slots(), lr=0.1, **settings)
    assert str(caught.value) == text


def test_settings_without_effect_are_refused() -> None:
    with pytest.raises(pt.Error) as caught:
        optim.SGD(slots(("head.weight", "head.bias")), lr=0.1, layer_decay=0.5)
    assert str(caught.value) == (
        "[optimizer] layer_decay = 0.5 with parameters of one layer; expected several layers, such as blocks.0 and "
        "blocks.1; leave layer_decay out"
    )
    with pytest.raises(pt.Error) as caught:
        optim.NAdam(slots(), lr=0.1, unfreeze_every=3)
    assert str(caught.value) == (
        "[optimizer] NAdam with parameters that begin after 9 updates; expected an optimizer that counts for "
        "each of them, such as AdamW; leave start and unfreeze_every out"
    )
