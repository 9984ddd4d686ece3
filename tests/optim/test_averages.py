"""Averages of weights beside buffers, optimizers that accumulate, and loaders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn, optim
from powertrain.optim import OptimizerError


def batches(count: int, rows: int = 8) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.normal(2, 3, (rows, 3)).astype("float32") for _ in range(count)]


def norm() -> Any:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def same(left: Any, right: Any) -> bool:
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_a_model_is_what_it_was_behind_its_averages(momentum: float | None) -> None:
    """Running statistics too, of forward passes and of refresh_statistics, and counts that are integers."""
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, momentum=momentum))
    average = optim.EMA(model, 0.9)
    for batch in batches(3):
        model(batch)
        average.update()
    before = model.state_dict()
    with average.applied():
        model(batches(1)[0])
        assert not same(before, model.state_dict())
        optim.refresh_statistics(model, batches(2))
    assert same(before, model.state_dict())
    with pytest.raises(KeyError), average.applied():
        model(batches(1)[0])
        raise KeyError
    assert same(before, model.state_dict())


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_averages_count_updates_of_an_optimizer_that_accumulates(kind: str, compiled: bool) -> None:
    """The same bits as a loop that averages behind every third call, through a checkpoint in the middle of three."""
    inputs = batches(9)

    def trained(by_hand: bool) -> tuple[Any, Any]:
        pt.random.seed(0)
        model = nn.Linear(3, 2)
        opt = optim.AdamW(model, lr=0.1, accumulate=3)
        average: Any = optim.EMA(model, 0.9) if kind == "ema" else optim.SWA(model)
        gradients = nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())

        def step(x: Any, averages: bool) -> Any:
            loss, found = gradients(x)
            opt.update(found)
            if averages:
                average.update()
            return loss

        run = pt.compile(step) if compiled else step
        for number, x in enumerate(inputs, 1):
            run(x, not by_hand or number % 3 == 0)
            if number == 4:
                average.load_state_dict(average.state_dict())
                opt.load_state_dict(opt.state_dict())
        return average.state_dict(), model.state_dict()

    (state, weights), (expected, same_weights) = trained(False), trained(True)
    assert same(weights, same_weights) and state[f"{kind}.count"] == 3
    assert same(state, expected)


def test_averages_follow_the_optimizer_that_was_made_last() -> None:
    """As when a cell of a notebook runs again and the optimizer before is still there."""
    model = nn.Linear(1, 1, bias=False)
    gradients = nn.value_and_grad(model, lambda x: model(x).sum())
    before, average = optim.SGD(model, lr=0.1, accumulate=2), optim.EMA(model, 0.9)
    before.update(gradients(pt.ones((1, 1)))[1])
    average.update()
    assert average.count.value.item() == 0
    opt = optim.SGD(model, lr=0.1)
    for _ in range(2):
        opt.update(gradients(pt.ones((1, 1)))[1])
        average.update()
    assert average.count.value.item() == 2 and before.accumulate == 2


def test_a_decay_that_is_assigned_counts_in_a_compiled_step() -> None:
    model = nn.Linear(1, 1, bias=False)
    model.weight.value = pt.ones((1, 1))
    average = optim.EMA(model, 0.5)
    run = pt.compile(average.update)
    run()
    model.weight.value = pt.zeros((1, 1))
    run()
    average.decay = 0.25
    run()
    assert average.state_dict()["ema.weight"].item() == 0.5 * 0.25
    with pytest.raises(OptimizerError, match=r"^\[ema\] decay = function; expected .* pt\.lerp\("):
        optim.EMA(model, decay=lambda step: 0.9)  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [0, 2])
def test_statistics_from_a_loader_leave_its_order(workers: int) -> None:
    rows = np.concatenate(batches(4))
    data = pt.data.TensorDataset(rows, np.arange(len(rows)))

    def loader() -> Any:
        return pt.data.DataLoader(data, batch_size=5, shuffle=True, seed=3, num_workers=workers)

    model, one, two = norm(), loader(), loader()
    seen: list[list[Any]] = [[], []]
    for _ in range(2):
        seen[0] += [y.tolist() for _, y in one]
        optim.refresh_statistics(model, one)
        for number, (_, y) in enumerate(two):
            seen[1].append(y.tolist())
            if number == 2:
                optim.refresh_statistics(model, two)
    assert seen[0] == seen[1]
    next(iter(one))  # left early: the next iteration is another epoch, as without a refresh
    optim.refresh_statistics(model, one)
    next(iter(two))
    assert [y.tolist() for _, y in one] == [y.tolist() for _, y in two]
    with one.unmoved():
        list(one)
    assert one.state_dict() == two.state_dict()


def test_statistics_take_the_inputs_of_a_batch() -> None:
    """As torch's update_bn: the first of a tuple; of a batch of a loader likewise."""
    given = batches(4)
    expected = norm()
    weights = expected.state_dict()
    optim.refresh_statistics(expected, given)
    data = pt.data.TensorDataset(np.concatenate(given), np.arange(32))
    for pairs in ([(x, np.arange(8)) for x in given], [[x] for x in given], pt.data.DataLoader(data, batch_size=8)):
        model = norm()
        model.load_state_dict(weights)
        optim.refresh_statistics(model, pairs)
        assert same(model.state_dict(), expected.state_dict())
    model = norm()
    model.load_state_dict(weights)
    optim.refresh_statistics(model, [{"x": x} for x in given], lambda batch: model(batch["x"]))
    assert same(model.state_dict(), expected.state_dict())


def test_statistics_stay_where_there_is_nothing_to_measure() -> None:
    model = norm()
    model(batches(1)[0])
    before = model.state_dict()
    with pytest.raises(OptimizerError, match=r"^\[refresh_statistics\] received no batches; expected some inputs"):
        optim.refresh_statistics(model, [])

    def broken() -> Iterator[Any]:
        yield batches(1)[0]
        yield np.zeros((2, 7), "float32")

    with pytest.raises(pt.ShapeError):
        optim.refresh_statistics(model, broken())
    assert same(model.state_dict(), before) and model[1].momentum == 0.1 and model[1].training


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("compiled", [False, True])
def test_averages_of_16_bits_do_not_stand_still(dtype: str, compiled: bool) -> None:
    model = nn.Linear(2, 2).to(dtype)
    for slot in model.parameters():
        slot.value = pt.zeros(slot.shape, dtype)
    averages: list[Any] = [optim.EMA(model, decay=0.999), optim.SWA(model)]

    def update() -> None:
        for average in averages:
            average.update()

    step = pt.compile(update) if compiled else update
    step()
    for slot in model.parameters():
        slot.value = pt.ones(slot.shape, dtype)
    for _ in range(999):
        step()
    for average, expected in zip(averages, (1 - 0.999**999, 0.999), strict=True):
        with average.applied():
            assert model.weight.dtype.name == dtype
            held = pt.astype(model.weight.value, "float32").numpy()
        np.testing.assert_allclose(held, expected, rtol=2**-8)
    assert model.weight.value.dtype.name == dtype
