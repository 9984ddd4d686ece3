"""Checks are effects: an index out of range is an error though nobody reads what it gave, after every pass, in every
part of a step; and what the error says of the step is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from numpy_backend import NumPyBackend
from oracles import same_bits
from powertrain import nn

RNG = np.random.default_rng(0)
X = pt.tensor(RNG.standard_normal((6, 5)).astype("float32"))
GOOD, BAD = np.array([0, 1, 2, 2, 1, 0]), np.array([0, 1, 2, 3, 1, 0])
LOGITS = pt.tensor(RNG.standard_normal((6, 3)).astype("float32"))
Loss = Callable[[Any, Any], Any]

LOSSES: dict[str, Loss] = {
    "cross_entropy": lambda z, y: F.cross_entropy(z, y, ignore_index=None),
    "nll_loss": lambda z, y: F.nll_loss(pt.log_softmax(z), y, ignore_index=None),
    "take_along_axis": lambda z, y: pt.take_along_axis(z, y[:, None], axis=1).sum(),
    "take": lambda z, y: pt.take(z.T, y).sum(),
    "embedding": lambda z, y: (F.embedding(y, z[:3]) * 2.0).sum(),
    "multi_margin_loss": lambda z, y: F.multi_margin_loss(z, y),
    # Not an index: class 3 makes probabilities above 1.
    "binary_cross_entropy": lambda z, y: F.binary_cross_entropy(
        1.0 / (1.0 + pt.exp(-z)) + 5.0 * (y[:, None] > 2), pt.zeros_like(z)
    ),
}


def refused(loss: str) -> type[pt.Error]:
    return pt.ShapeError if loss == "binary_cross_entropy" else pt.IndexError


def unread(loss: Loss, z: Any, y: Any) -> Any:
    loss(z, y)
    return z * 2.0


def gradient(loss: Loss, z: Any, y: Any) -> Any:
    return pt.grad(lambda z: loss(z, y))(z)


def rows(loss: Loss, z: Any, y: Any) -> Any:
    return pt.vmap(pt.grad(lambda z, y: loss(z[None], y[None])))(z, y)


def computed_again(loss: Loss, z: Any, y: Any) -> Any:
    return pt.grad(lambda z: pt.checkpoint(lambda z: loss(z, y))(z))(z)


def unread_in_a_checkpoint(loss: Loss, z: Any, y: Any) -> Any:
    return pt.checkpoint(lambda z: unread(loss, z, y))(z)


def chosen(loss: Loss, z: Any, y: Any) -> Any:
    return pt.cond(pt.tensor(True), lambda z: unread(loss, z, y), lambda z: z, z)


def gradient_of_a_choice(loss: Loss, z: Any, y: Any) -> Any:
    return pt.grad(lambda z: pt.cond(pt.tensor(True), lambda z: loss(z, y), lambda z: z.sum(), z))(z)


def in_a_loop(loss: Loss, z: Any, y: Any) -> Any:
    return pt.scan(lambda s, _: (unread(loss, s, y) * 0.5, None), z, length=2)[0]


def in_a_while_loop(loss: Loss, z: Any, y: Any) -> Any:
    return pt.while_loop(lambda s: pt.abs(s).sum() > 1.0, lambda s: unread(loss, s, y) * 0.1, z)


PLACES = [
    unread, gradient, rows, computed_again, unread_in_a_checkpoint, chosen, gradient_of_a_choice, in_a_loop,
    in_a_while_loop,
]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("place", PLACES)
def test_an_index_out_of_range_is_an_error_wherever_it_is(place: Any, loss: str) -> None:
    if place is rows and loss in ("take", "embedding"):
        pytest.skip("reads a whole column of rows, which a single row does not have")

    def step(z: Any, y: Any) -> Any:
        return place(LOSSES[loss], z, y)

    want = np.array(step(LOGITS, pt.tensor(GOOD)).numpy())
    for options in ({}, {"simplify": False}, {"fuse": False}):
        compiled = pt.compile(step, **options)
        with pytest.raises(refused(loss)):
            compiled(LOGITS, pt.tensor(BAD))
        assert same_bits(np.array(compiled(LOGITS, pt.tensor(GOOD)).numpy()), want)
    with pytest.raises(refused(loss)):
        step(LOGITS, pt.tensor(BAD))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("backend", [None, "numpy"])
def test_a_step_that_does_not_return_its_loss_refuses_labels_out_of_range(loss: str, backend: str | None) -> None:
    model = nn.Linear(5, 3)
    opt = pt.optim.SGD(model, lr=0.1, momentum=0.9)

    @pt.compile(backend=NumPyBackend() if backend else None)
    def step(x: Any, y: Any) -> None:
        opt.update(pt.nn.value_and_grad(model, lambda: LOSSES[loss](model(x), y))()[1])

    step(X, GOOD)
    before = model.state_dict()
    with pytest.raises(refused(loss), match=r"; nothing of this step was committed$"):
        step(X, BAD)
    for name, value in model.state_dict().items():
        assert same_bits(value, before[name]), name
    assert opt.updates.value.item() == 1
    step(X, GOOD)


def test_the_choice_that_was_not_made_checks_nothing() -> None:
    @pt.compile
    def step(z: Any, y: Any, which: Any) -> Any:
        return pt.cond(which, lambda z: unread(LOSSES["cross_entropy"], z, y), lambda z: z, z)

    assert same_bits(np.array(step(LOGITS, BAD, False).numpy()), np.array(LOGITS.numpy()))
    with pytest.raises(pt.IndexError):
        step(LOGITS, BAD, pt.tensor(True))


def test_labels_of_a_ctc_loss_that_nobody_reads() -> None:
    scores = pt.log_softmax(pt.tensor(RNG.standard_normal((2, 4, 3)).astype("float32")))
    ends = pt.tensor([4, 4]), pt.tensor([2, 2])

    @pt.compile
    def step(scores: Any, labels: Any) -> Any:
        F.ctc_loss(scores, labels, *ends, reduction="none")
        return scores * 2.0

    step(scores, np.array([[1, 2], [2, 1]]))
    with pytest.raises(pt.IndexError):
        step(scores, np.array([[1, 3], [2, 1]]))


def test_what_only_a_check_needs_costs_no_more_than_the_indices() -> None:
    """Nothing of a loss that nobody reads is computed but the look at its labels, and that once."""

    @pt.compile
    def step(z: Any, y: Any) -> Any:
        F.cross_entropy(z, y, ignore_index=None)
        F.cross_entropy(z * 2.0, y, ignore_index=None)
        return z + 1.0

    step(LOGITS, GOOD)
    names = [instruction["name"] for instruction in step.programs[0]["instructions"]]
    assert sorted(names) == ["add", "check_index"], names


def test_a_gradient_that_looks_at_the_labels_needs_no_second_look() -> None:
    step = pt.compile(lambda z, y: pt.grad(lambda z: pt.take_along_axis(z, y[:, None], axis=1).sum())(z))
    step(LOGITS, GOOD)
    assert not any(i["name"] == "check_index" for i in step.programs[0]["instructions"])


def test_an_index_is_looked_at_before_anything_is_committed() -> None:
    """The guard waits for the checks of its phase, however the passes order them."""
    model = nn.Linear(5, 3)
    opt = pt.optim.AdamW(model, lr=0.1, clip=1.0)

    @pt.compile
    def step(x: Any, y: Any) -> None:
        z = model(x)
        pt.take(z, y + 0)
        opt.update(pt.nn.value_and_grad(model, lambda: (model(x) ** 2).sum())()[1])

    step(X, GOOD)
    before = model.state_dict()
    with pytest.raises(pt.IndexError, match="nothing of this step was committed"):
        step(X, np.array([0, 1, 2, 3, 4, 6]))
    for name, value in model.state_dict().items():
        assert same_bits(value, before[name]), name


# ---------------------------------------------------------------- what was committed


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_an_error_says_which_phases_were_committed(backend: str | None) -> None:
    first, second = pt.Slot(pt.tensor(0.0), name="first"), pt.Slot(pt.tensor(0.0), name="second")

    @pt.compile(backend=NumPyBackend() if backend else None)
    def step(x: Any, y: Any, index: Any) -> Any:
        first.value = pt.guard(first.value + x)
        pt.end_phase()
        second.value = pt.guard(second.value + first.value / y)
        pt.end_phase()
        return pt.take(x[None], index)

    def failing(x: float, y: float, index: int) -> str:
        with pytest.raises((pt.NonFiniteError, pt.IndexError)) as caught:
            step(pt.tensor(x), pt.tensor(y), pt.tensor(index))
        return str(caught.value).rpartition("; ")[2]

    step(pt.tensor(1.0), pt.tensor(1.0), pt.tensor(0))
    assert failing(np.inf, 1.0, 0) == "nothing of this step was committed"
    assert (first.value.item(), second.value.item()) == (1.0, 1.0)
    assert failing(1.0, 0.0, 0) == "1 of the 2 phases of this step that write was committed before it"
    assert (first.value.item(), second.value.item()) == (2.0, 1.0)
    assert failing(1.0, 1.0, 1) == "2 of the 2 phases of this step that write were committed before it"
    assert (first.value.item(), second.value.item()) == (3.0, 4.0)


def test_a_phase_that_was_left_out_is_not_counted_as_committed() -> None:
    first, second = pt.Slot(pt.tensor(0.0), name="first"), pt.Slot(pt.tensor(0.0), name="second")

    @pt.compile(on_nonfinite="skip")
    def step(x: Any, index: Any) -> None:
        first.value = pt.guard(first.value + x)
        pt.end_phase()
        second.value = pt.take(pt.ones(2), index)
        pt.end_phase()

    with pytest.raises(pt.IndexError, match=r"; nothing of this step was committed$"):
        step(pt.tensor(np.inf), pt.tensor(5))
    assert (first.value.item(), second.value.item()) == (0.0, 0.0)


def test_the_op_that_failed_is_found_from_what_was_committed() -> None:
    """The second phase is run again from the weights that the first one wrote."""
    w = pt.Slot(pt.tensor(1.0), name="w")
    out = pt.Slot(pt.tensor(0.0), name="out")

    @pt.compile
    def step(x: Any) -> None:
        w.value = pt.guard(w.value - x)
        pt.end_phase()
        out.value = pt.guard(pt.log(w.value))
        pt.end_phase()

    with pytest.raises(pt.NonFiniteError, match=r"^\[log\] made a number that is not finite .* f32\[\] in \[0, 0\]"):
        step(pt.tensor(1.0))
    assert w.value.item() == 0.0


def test_what_a_check_of_values_says() -> None:
    text = (
        "[binary_cross_entropy] input has elements outside of 0 to 1; expected probabilities; use "
        "binary_cross_entropy_with_logits for logits"
    )
    good, bad, target = pt.tensor([0.0, 1.0, 0.5]), pt.tensor([0.0, 1.5, 0.5]), pt.zeros(3)
    loss = nn.BCELoss()
    looped = pt.compile(lambda p: pt.scan(lambda s, _: (s + F.binary_cross_entropy(p, s), None), target, length=2)[0])
    for run in (F.binary_cross_entropy, loss, pt.compile(loss), lambda p, t: looped(p)):
        run(good, target)
        with pytest.raises(pt.ShapeError) as caught:
            run(bad, target)
        assert str(caught.value).startswith(text)
    # NaN is no error of its own: what it comes from is for a guard to say.
    assert np.isnan(loss(pt.tensor([np.nan, 0.5, 0.5]), target).item())


def _assigned(z: Any, i: Any) -> Any:
    z = pt.tensor(z) * 1.0
    z[i] = 0.0
    return z


CALLED: dict[str, Callable[[Any, Any], Any]] = {
    "cross_entropy": lambda z, i: F.cross_entropy(z, i),
    "nll_loss": lambda z, i: F.nll_loss(z, i),
    "multi_margin_loss": lambda z, i: F.multi_margin_loss(z, i),
    "multilabel_margin_loss": lambda z, i: F.multilabel_margin_loss(z, pt.stack([i, i, i], axis=1)),
    "embedding": lambda z, i: F.embedding(i, z),
    "embedding_bag": lambda z, i: F.embedding_bag(i[None], z),
    "index": lambda z, i: z[i],
    "take": lambda z, i: pt.take(z, i, axis=1),
    "take_along_axis": lambda z, i: pt.take_along_axis(z, i[:, None], axis=1),
    "scatter_reduce": lambda z, i: pt.scatter_reduce(z, i[:, None], z[:, :1], axis=1),
    "unravel_index": lambda z, i: pt.unravel_index(i, (2, 2)),
    "ravel_multi_index": lambda z, i: pt.ravel_multi_index((i, i), (2, 2)),
    "choose": lambda z, i: pt.choose(i, [pt.ones(2), pt.ones(2)]),
    "ctc_loss": lambda z, i: F.ctc_loss(pt.zeros((1, 4, 3)), i[None], pt.tensor([4]), pt.tensor([2])),
}


@pytest.mark.parametrize("name", CALLED)
def test_an_error_of_an_index_names_the_function_that_was_called(name: str) -> None:
    z, i = pt.ones((2, 3)), pt.tensor([1, 5])
    unread = lambda z, i: (CALLED[name](z, i), z)[1]  # noqa: E731
    for run in (CALLED[name], pt.compile(CALLED[name]), pt.compile(unread)):
        with pytest.raises(pt.IndexError, match=rf"^\[{name}\] received an index out of range"):
            run(z, i)


def test_an_error_of_an_assignment_and_of_a_gradient() -> None:
    z, i = pt.ones((2, 3)), pt.tensor([1, 5])
    with pytest.raises(pt.IndexError, match=r"^\[index\] received 5 for an axis of size 2"):
        _assigned(z, i)
    gradient = pt.compile(pt.grad(lambda z: F.embedding(i, z).sum()))
    with pytest.raises(pt.IndexError, match=r"^\[(embedding|grad)\] received an index out of range"):
        gradient(z)


def test_functions_below_the_public_ones_are_not_named() -> None:
    for args, said in (
        (("a",), "[arange] received 'a'; expected arange(start, stop=None, step=1, dtype=None, device=None); check the "
         "arguments"),
        ((0, [1], 0.5), "[arange] received 0, list, 0.5; expected arange(start, stop=None, step=1, dtype=None, "
         "device=None); check the arguments"),
    ):  # fmt: skip
        with pytest.raises(pt.DTypeError) as caught:
            pt.arange(*args)
        assert str(caught.value) == said
