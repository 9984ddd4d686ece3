"""Row-sparse gradients of tables: their numbers, the optimizers that take them, and that nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import optim
from powertrain.optim import Group, Optimizer, OptimizerError
from powertrain.train.run.step import Step

ROWS, WIDTH = 40, 6
# Twice the same row, a first one, one from the end.
INDEX = np.array([[3, 0, 3, 38], [-5, 7, 3, 35]])


def embedding(sparse: bool, **settings: Any) -> pt.nn.Embedding:
    pt.random.seed(3)
    return pt.nn.Embedding(ROWS, WIDTH, sparse=sparse, **settings)


def weights(step: int = 0) -> pt.Tensor:
    rng = np.random.default_rng(step)
    return pt.tensor(rng.standard_normal((*INDEX.shape, WIDTH)).astype("float32"))


def test_the_rows_are_those_of_the_whole_gradient() -> None:
    found = []
    for sparse in (False, True):
        table = embedding(sparse)
        loss = lambda table=table: (pt.sin(table(pt.tensor(INDEX))) * weights()).sum()  # noqa: E731
        gradient = pt.nn.value_and_grad(table, loss)()[1]["weight"]
        found.append(gradient)
    assert isinstance(found[1], pt.RowSparse)
    assert found[1].shape == found[1].dense().shape == (ROWS, WIDTH)
    np.testing.assert_array_equal(found[1].dense().numpy(), found[0].numpy())
    sums, place = found[1].summed()
    np.testing.assert_array_equal(sums.numpy()[place.numpy()], found[0].numpy()[INDEX.ravel()])
    assert np.count_nonzero(np.any(sums.numpy() != 0, 1)) == len(np.unique(INDEX % ROWS))


def test_lookups_of_one_table_add_up() -> None:
    gradients = []
    for sparse in (False, True):
        table = embedding(sparse)

        def loss(table: pt.nn.Embedding = table) -> pt.Tensor:
            return (table(pt.tensor([1, 2])).sum() * 2 + (table(pt.tensor([2])) ** 2).sum()) + table(pt.tensor(9)).sum()

        gradient = pt.nn.value_and_grad(table, loss)()[1]["weight"]
        gradients.append(gradient.dense() if sparse else gradient)
    np.testing.assert_array_equal(gradients[1].numpy(), gradients[0].numpy())


def test_each_table_has_its_own_rows() -> None:
    first, second, plain = embedding(True), embedding(True), embedding(False)
    tables = [first.weight, plain.weight, second.weight]
    _, (of_first, of_plain, of_second) = pt.nn.value_and_grad(
        tables, lambda: (second(pt.tensor([4])) * 2 + first(pt.tensor([1])) + plain(pt.tensor([7]))).sum()
    )()
    assert of_first.index.numpy().tolist() == [1] and of_second.index.numpy().tolist() == [4]
    assert (of_second.rows.numpy() == 2).all() and (of_first.rows.numpy() == 1).all()
    assert of_plain.shape == (ROWS, WIDTH) and of_plain.numpy()[7].all()


def test_a_table_that_is_not_read_has_no_rows() -> None:
    table = embedding(True)
    scale = pt.nn.Parameter(pt.tensor(2.0))
    _, (gradient, other) = pt.nn.value_and_grad([table.weight, scale], lambda: scale * scale)()
    assert gradient.rows.shape == (0, WIDTH)
    assert not gradient.dense().numpy().any()
    assert other.item() == 4.0


def test_the_row_of_padding_stays() -> None:
    table = embedding(True, padding_idx=3)
    optimizer = optim.SGD(table, 0.5)
    _, grads = pt.nn.value_and_grad(table, lambda: table(pt.tensor(INDEX)).sum())()
    optimizer.update(grads)
    assert not table.weight.numpy()[3].any()
    assert table.weight.numpy()[7].any()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags(mode: Any, weighted: bool) -> None:
    if weighted and mode != "sum":
        return
    share = pt.tensor(np.random.default_rng(5).standard_normal(INDEX.shape).astype("float32")) if weighted else None
    cotangent = weights()[:, 0]
    gradients = []
    for sparse in (False, True):
        pt.random.seed(1)
        bag = pt.nn.EmbeddingBag(ROWS, WIDTH, mode=mode, sparse=sparse)
        loss = lambda bag=bag: (bag(pt.tensor(INDEX), None, share) * cotangent).sum()  # noqa: E731
        gradient = pt.nn.value_and_grad(bag, loss)()[1]["weight"]
        gradients.append(gradient.dense() if sparse else gradient)
    # Equal rows share the gradient of a maximum in other parts when each has a place of its own.
    scale = np.abs(gradients[0].numpy()).max()
    np.testing.assert_allclose(gradients[1].numpy(), gradients[0].numpy(), rtol=0, atol=4e-7 * scale)


def trained(make: Callable[[Any], Optimizer], compiled: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    table = embedding(True)
    optimizer = make(table)

    def step(index: pt.Tensor, weight: pt.Tensor) -> pt.Tensor:
        loss, grads = pt.nn.value_and_grad(table, lambda: (pt.sin(table(index)) * weight).sum())()
        optimizer.update(grads)
        return loss

    run = pt.compile(step) if compiled else step
    for number in range(5):
        run(pt.tensor(np.roll(INDEX, number) + number % 2), weights(number))
    return np.array(table.weight.numpy()), {name: np.array(slot.numpy()) for name, slot in optimizer.named_slots()}


TAKERS: dict[str, tuple[Callable[..., Optimizer], str, dict[str, Any]]] = {
    "sgd": (optim.SGD, "SGD", {"lr": 0.1}),
    "adagrad": (optim.Adagrad, "Adagrad", {"lr": 0.1, "lr_decay": 0.05}),
    "sparse-adam": (optim.SparseAdam, "SparseAdam", {"lr": 0.01, "betas": (0.8, 0.95)}),
}


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", TAKERS)
def test_optimizers_by_displacement(name: str, compiled: bool) -> None:
    torch = pytest.importorskip("torch", reason="the peer optimizers are torch's")
    ours, theirs, settings = TAKERS[name]
    before = np.array(embedding(True).weight.numpy())
    got, slots = trained(lambda table: ours(table, **settings), compiled)
    module = torch.nn.Embedding(ROWS, WIDTH, sparse=True, _weight=torch.tensor(before))
    peer = getattr(torch.optim, theirs)(module.parameters(), **settings)
    for number in range(5):
        index = torch.tensor((np.roll(INDEX, number) + number % 2) % ROWS)
        peer.zero_grad()
        (torch.sin(module(index)) * torch.tensor(weights(number).numpy())).sum().backward()
        peer.step()
    want = module.weight.detach().numpy() - before
    assert np.linalg.norm(got - before - want) <= 1e-5 * np.linalg.norm(want)
    seen = np.unique(np.stack([INDEX, INDEX + 1]) % ROWS)
    untouched = np.setdiff1d(np.arange(ROWS), seen)
    np.testing.assert_array_equal(got[untouched], before[untouched])
    for moment, value in slots.items():
        if moment.endswith(".weight"):
            assert value.shape == (ROWS, WIDTH)
            assert not value[untouched].any()
            assert value[seen].any()


@pytest.mark.parametrize("name", TAKERS)
def test_eager_and_compiled_give_the_same_bits(name: str) -> None:
    make, _, settings = TAKERS[name]
    eager, compiled = (trained(lambda table: make(table, clip=0.5, **settings), compiled) for compiled in (False, True))
    np.testing.assert_array_equal(eager[0], compiled[0])
    assert eager[1].keys() == compiled[1].keys()
    for key, value in eager[1].items():
        np.testing.assert_array_equal(value, compiled[1][key])


@pytest.mark.parametrize("settings", [{"clip": 0.3}, {"clip_value": 0.2}, {"maximize": True}, {}])
def test_plain_steps_are_those_of_the_whole_gradient(settings: dict[str, Any]) -> None:
    """With other parameters beside the table, whose gradients the norm counts too, and divided by a weight."""
    ends = []
    for sparse in (False, True):
        table = embedding(sparse)
        model = pt.nn.Sequential(table, pt.nn.Linear(WIDTH, 3))
        pt.random.seed(4)
        optimizer = optim.SGD(model, 0.3, **settings)

        def step(model: Any = model, optimizer: Optimizer = optimizer) -> None:
            _, grads = pt.nn.value_and_grad(model, lambda: (model(pt.tensor(INDEX)) ** 2).sum())()
            optimizer.update(grads, weight=2.0)

        run = pt.compile(step)
        for _ in range(3):
            run()
        ends.append([np.array(slot.numpy()) for slot in model.parameters()])
    for dense, rows in zip(*ends, strict=True):
        np.testing.assert_allclose(rows, dense, rtol=1e-6, atol=1e-6)


def test_a_compiled_step_touches_the_rows_alone() -> None:
    """No launch of the step moves as much as a hundredth of the table."""
    table = pt.nn.Embedding(40_000, 64, sparse=True)
    optimizer = optim.SparseAdam(table)

    @pt.compile
    def step(index: pt.Tensor) -> pt.Tensor:
        loss, grads = pt.nn.value_and_grad(table, lambda: pt.square(table(index)).mean())()
        optimizer.update(grads)
        return loss

    index = pt.tensor(np.arange(32) * 7)
    step(index)
    program = step.programs[0]
    hundredth = table.weight.size * 4 / 100
    assert max(i["bytes"] for i in program["instructions"]) < hundredth
    assert program["arena_bytes"] < 2 * hundredth


def test_strategies_minimize_by_rows() -> None:
    """Where the loss is computed before anyone asks for gradients; the rows of one loss are not those of another."""
    first, second = embedding(True), embedding(True)
    optimizers = [optim.SparseAdam(table, name=f"optimizer {i}") for i, table in enumerate((first, second))]
    before = np.array(first.weight.numpy())

    @pt.compile
    def step(index: pt.Tensor) -> None:
        def both() -> None:
            step = Step()
            losses = [pt.sum(pt.square(table(index + i)), -1) for i, table in enumerate((first, second))]
            first(index + 20)  # no loss depends on these
            for optimizer, loss in zip(optimizers, losses, strict=True):
                step.minimize(optimizer, loss)

        pt._core.with_lookups(both)

    step(pt.tensor([2, 5]))
    for i, table in enumerate((first, second)):
        moved = np.flatnonzero((table.weight.numpy() != before).any(1))
        assert moved.tolist() == [2 + i, 5 + i]
    with pytest.raises(pt.ShapeError, match="the cotangent is"):
        step_of_rows = Step()
        pt.compile(lambda: step_of_rows.minimize(optimizers[0], first(pt.tensor([1])), couples=True))()


def test_a_gradient_that_is_not_finite_changes_nothing() -> None:
    table = embedding(True)
    optimizer = optim.Adagrad(table)
    before = np.array(table.weight.numpy())

    @pt.compile
    def step(index: pt.Tensor, scale: pt.Tensor) -> None:
        _, grads = pt.nn.value_and_grad(table, lambda: (table(index) * scale).sum())()
        optimizer.update(grads)

    with pytest.raises(pt.NonFiniteError):
        step(pt.tensor(INDEX), pt.tensor(np.float32(np.inf)))
    np.testing.assert_array_equal(table.weight.numpy(), before)
    assert all(not slot.numpy().any() for name, slot in optimizer.named_slots() if name.startswith("optimizer.v"))
    step(pt.tensor(INDEX), pt.tensor(np.float32(1.0)))
    assert (table.weight.numpy() != before).any()


def test_an_index_out_of_range_changes_nothing() -> None:
    table = embedding(True)
    optimizer = optim.SGD(table)
    before = np.array(table.weight.numpy())

    @pt.compile
    def step(index: pt.Tensor) -> None:
        _, grads = pt.nn.value_and_grad(table, lambda: table(index).sum())()
        optimizer.update(grads)

    with pytest.raises(pt.IndexError, match="index out of range"):
        step(pt.tensor([1, ROWS]))
    np.testing.assert_array_equal(table.weight.numpy(), before)


DENSE = "or make the layer with sparse=False"
TAKES = f"expected SGD without momentum, Adagrad or SparseAdam; {DENSE}"
REFUSED: list[tuple[Callable[[Any], Any], str]] = [
    (
        lambda table: optim.SGD(table, momentum=0.9),
        f"[optimizer] SGD with row-sparse gradients of weight; {TAKES}",
    ),
    (optim.Adam, f"[optimizer] Adam with row-sparse gradients of weight; {TAKES}"),
    (
        lambda table: optim.SparseAdam(table, weight_decay=0.1),
        "[optimizer] weight_decay = 0.1 with row-sparse gradients of weight; expected 0, as by the group "
        f"{{'match': 'weight', 'weight_decay': 0.0}}; {DENSE}",
    ),
    (
        lambda table: optim.Adagrad(table, accumulate=4),
        f"[optimizer] accumulate = 4 with row-sparse gradients of weight; expected an update from each call; {DENSE}",
    ),
    (
        lambda table: optim.SGD(table).update([pt.zeros((ROWS, WIDTH))]),
        "[optimizer] gradient of weight is a tensor; expected a RowSparse; pass what value_and_grad gave",
    ),
]


@pytest.mark.parametrize(("make", "text"), REFUSED)
def test_what_an_optimizer_refuses(make: Callable[[Any], Any], text: str) -> None:
    with pytest.raises(OptimizerError) as caught:
        make(embedding(True))
    assert str(caught.value) == text


def test_a_group_without_decay_takes_a_table() -> None:
    model = pt.nn.Sequential(embedding(True), pt.nn.Linear(WIDTH, 2))
    optimizer = optim.SparseAdam(model, weight_decay=0.1, groups=[Group("0.weight", weight_decay=0.0)])
    assert [part.sparse for part in optimizer.parts] == [True, False]


def test_other_reads_of_a_table_are_refused() -> None:
    table = embedding(True)
    table.weight.name = "table"
    with pytest.raises(pt.Error) as caught:
        pt.nn.value_and_grad(table, lambda: table(pt.tensor([1])).sum() + table.weight.value.sum())()
    assert str(caught.value) == (
        "[value_and_grad] table has row-sparse gradients, and the loss depends on it otherwise than by its lookups; "
        "expected lookups alone; make the layer with sparse=False"
    )
    with pytest.raises(pt.TraceError) as caught_trace:
        pt.nn.value_and_grad(table, lambda: pt.checkpoint(table)(pt.tensor([1])).sum())()
    assert str(caught_trace.value) == (
        "[embedding] table has row-sparse gradients and is read inside of a function that is recorded by itself, as by "
        "checkpoint, scan or vmap; expected it outside; look rows up before and pass them, or make the layer with "
        "sparse=False"
    )
