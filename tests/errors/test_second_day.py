"""Lines of the second day, written from memory: modules, losses, data sets and callbacks of one's own, and what trains
them. Each is answered with the line to write, where it is written."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain import nn
from powertrain.data import DataLoader, Dataset, IterableDataset

X = np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)


class TwoInputs(Dataset):
    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> object:
        return (X[index, :4], X[index, 4:]), Y[index]


class TwoOutputs(nn.Module):
    def __init__(self, named: bool = False) -> None:
        super().__init__()
        self.classes, self.number, self.named = nn.Linear(8, 2), nn.Linear(8, 1), named

    def forward(self, x: Any) -> Any:
        classes, number = self.classes(x), self.number(x)
        return {"classes": classes, "number": number} if self.named else (classes, number)


class LoaderOfBatches:
    """As the loader of torch.utils.data, which gives batches."""

    dataset, batch_size = list(zip(X, Y, strict=True)), 16

    def __iter__(self) -> Any:
        return iter([(X[:16], Y[:16]), (X[16:], Y[16:])])


LoaderOfBatches.__module__ = "torch.utils.data.dataloader"


def trained(**given: Any) -> Any:
    return pt.fit(**{"model": nn.Linear(8, 2), "data": (X, Y), "epochs": 1, "verbose": False, **given})


def two_modules() -> Any:
    a, b = nn.Linear(8, 4), nn.Linear(4, 2)
    return a, b, nn.value_and_grad([a, b], lambda: F.cross_entropy(b(a(pt.asarray(X))), Y))()[1]


def update_of_two() -> None:
    a, b, grads = two_modules()
    pt.optim.Adam([*a.parameters(), *b.parameters()]).update(grads)


def other_head() -> None:
    state = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 5)).state_dict()
    nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 2)).load_state_dict(state, strict=False)


def unfrozen() -> None:
    model = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 2))
    model.freeze("0.*")
    optimizer = pt.optim.SGD(model, lr=0.1)
    model.unfreeze()
    optimizer.update(nn.value_and_grad(model, lambda: F.cross_entropy(model(pt.asarray(X)), Y))()[1])


def square(x: pt.Tensor) -> pt.Tensor:
    return pt.square(x).sum()


_MODULES = "write model = pt.nn.ModuleList([a, b]), and take the gradients of it, and its parameters"
_TWO = (
    "expected one tensor for a batch; join them by pt.concat(outputs, axis=-1), and take them apart in the loss; or "
    "train it in a loop of your own, as docs/guides/training-loop.md shows"
)
_INPUTS = (
    "join them by numpy.concatenate([...], axis=1), or train a model of several inputs in a loop of your own, as "
    "docs/guides/training-loop.md#several-inputs shows"
)
_STOP = 'expected run; write pt.fit(..., run={"stop": {"watch": "valid.loss", "patience": 5}})'
_MAKES = "it makes a function; write"
ANSWERS: list[tuple[Any, str]] = [
    (lambda: trained(model=TwoOutputs()), f"[model] gives a tuple of 2; {_TWO}"),
    (
        lambda: trained(model=TwoOutputs(named=True), data=(X, X[:, 0]), loss=lambda out, y: out["number"][:, 0] - y),
        f"[model] gives a dict of 2; {_TWO}",
    ),
    (
        lambda: trained(data=TwoInputs()),
        f"[data] examples whose x is a tuple of 2; expected one array for an input, and one for a target; {_INPUTS}",
    ),
    (
        lambda: trained(data={"left": X[:, :4], "right": X[:, 4:], "y": Y}),
        '[data] parts left, right, y; expected train among them; pass {"train": (x, y)}',
    ),
    (
        lambda: trained(data=LoaderOfBatches()),
        "[train] a LoaderOfBatches of torch; expected a pt.data.DataLoader: a run makes its own batches; pass "
        "pt.data.DataLoader(loader.dataset, batch_size=16, shuffle=True)",
    ),
    (
        lambda: trained(data=(X, Y.astype(np.float64))),
        "[mse] output is [64, 2], target is [64]; expected one shape; end the model with one output, or give classes "
        'as whole numbers, y.astype("int64")',
    ),
    (lambda: trained(patience=3), f"[fit] received patience; {_STOP}"),
    (
        lambda: trained(ema=0.99),
        "[fit] received ema; expected no average of the weights, which a run does not keep; write the loop yourself, "
        "with pt.optim.EMA: powertrain help optimizers",
    ),
    (lambda: trained(early_stopping=True), f"[fit] received early_stopping; {_STOP}"),
    (
        lambda: trained(lr=0.1, optimizer=pt.optim.AdamW(nn.Linear(8, 2))),
        "[fit] received lr=0.1 and an optimizer, AdamW, which has a rate; expected one of them; write "
        "optimizer=pt.optim.AdamW(model, lr=0.1)",
    ),
    (lambda: pt.optim.Adam([nn.Linear(8, 4), nn.Linear(4, 2)]), f"[optimizer] params holds Linear; expected a module, "
     f"slots, or pairs of name and slot; {_MODULES}"),
    (update_of_two, f"[optimizer] received dict for gradients; expected those by the parameters; {_MODULES}"),
    (
        unfrozen,
        "[optimizer] 4 gradients: '0.weight' is no parameter of the optimizer; '0.bias' is no parameter of the "
        "optimizer; expected one for each of its 2 parameters; take gradients by the model that the optimizer was made "
        "with, and make it again after freeze and unfreeze",
    ),
    (
        other_head,
        '[load_state_dict] 4 of 4 tensors fit by name in layout="own", which is assumed: 1.weight is [4, 5], expected '
        "[4, 2]; 1.bias is [5], expected [2]; expected the state of a Sequential of this size; build the model with "
        "the parameters that it was saved with; or leave some out: {name: x for name, x in state.items() if not "
        'name.startswith("head.")}',
    ),
    (
        lambda: pt.optim.LBFGS(nn.Linear(8, 2)).step(square),
        "[lbfgs] step(); expected minimize(closure), whose closure gives the loss and the gradients; write "
        "opt.minimize(lambda: pt.nn.value_and_grad(model, loss_fn)(x, y))",
    ),
    (
        lambda: pt.checkpoint(square, pt.ones((3,))),
        "[checkpoint] received 2 positional arguments; expected at most 1; write pt.checkpoint(function)(x)",
    ),
    (
        lambda: pt.grad(square, pt.ones((3,))),
        f"[grad] received float32[3] for argnums; expected the numbers of arguments: {_MAKES} pt.grad(function)(x)",
    ),
    (
        lambda: pt.jacobian(square, pt.ones((3,))),
        "[jacobian] received function, float32[3]; expected a function and the number of one of its arguments: "
        f"{_MAKES} pt.jacobian(function)(x)",
    ),
    (
        lambda: pt.hessian(square, np.ones(3)),
        "[hessian] received function, ndarray; expected a function and the number of one of its arguments: "
        f"{_MAKES} pt.hessian(function)(x)",
    ),
    (
        lambda: pt.vmap(square, pt.ones((3,))),
        f"[vmap] received float32[3] for in_axes; expected the axes of the rows: {_MAKES} pt.vmap(function)(x)",
    ),
    (
        lambda: nn.Linear(8, 2).weight.lerp_(pt.zeros((8, 2)), 0.1),
        "[Slot] lerp_; expected a name of Slot; write slot.value = pt.lerp(slot.value, end, weight)",
    ),
    (
        lambda: nn.Linear(8, 2).train_on_batch(X, Y),
        "[Linear] train_on_batch; expected a name of Linear; write loss, grads = pt.nn.value_and_grad(model, "
        "loss_fn)(x, y), then opt.update(grads)",
    ),
    (
        lambda: nn.Linear(8, 2).init(0, X),
        "[Linear] init; expected a name of Linear; write y = model(x): a layer has its parameters once it is made, and "
        "an input gives those of a lazy one",
    ),
    (
        lambda: pt.optim.schedules.CosineDecay,
        "[powertrain.optim.schedules] CosineDecay; expected a name of powertrain.optim.schedules; write "
        "schedule=pt.optim.schedules.CosineAnnealingLR(T_max=1000)",
    ),
    (
        lambda: pt.seed_everything(0),
        "[powertrain] seed_everything; expected a name of powertrain; write pt.random.seed(value)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("line", "said"), ANSWERS, ids=[said[:40] for _, said in ANSWERS])
def test_a_line_from_memory_is_answered(line: Any, said: str) -> None:
    with pytest.raises(pt.Error) as caught:
        line()
    assert str(caught.value) == said


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed")
def test_settings_of_estimators() -> None:
    with pytest.raises(pt.Error) as caught:
        pt.Classifier(seed=0)
    assert str(caught.value) == "[Classifier] received seed=0; expected random_state; write random_state=0"
    with pytest.raises(AttributeError) as unknown:
        pt.Classifier().partial_fit(X, Y)
    assert str(unknown.value) == (
        "[Classifier] partial_fit; expected an attribute of Classifier; write run = pt.fit(model=model, data=loader, "
        "epochs=1), or partial_fit of pt.sklearn.SGDClassifier"
    )


def test_a_loader_of_ours_and_a_stream_with_a_batch_size_are_taken() -> None:
    class Stream(IterableDataset):
        batch_size = 4

        def __iter__(self) -> Any:
            return iter(zip(X, Y, strict=True))

    assert trained(data=DataLoader(LoaderOfBatches.dataset, batch_size=16)).history
    assert trained(data=Stream(), epochs=None, steps=2).history


@pytest.mark.parametrize("how", [{"precision": pt.bfloat16}, {"run": {"precision": pt.bfloat16}}])
def test_a_precision_may_be_a_dtype(how: dict[str, Any]) -> None:
    def weights(**given: Any) -> bytes:
        model = nn.Linear(8, 2, bias=False)
        model.weight.value = pt.full((8, 2), 0.1)
        trained(model=model, epochs=5, **given)
        return model.weight.numpy().tobytes()

    assert weights(**how) == weights(precision="bfloat16") != weights()
