"""`sample_weight` of networks: weights reach the batches, rows of weight 0 are left out; what cannot use them is an
error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataLoader, DataModule

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is an extra")

RECIPE = """\
data      = "digits"
model     = {{ use = "{model}"{more} }}
{strategy}
run       = {{ until = "20 steps", batch_size = 64 }}
"""
PLAIN = '''
from dataclasses import dataclass
import powertrain as pt
from powertrain.plugin import Strategy, param


class Plain(Strategy):
    """Counts all examples alike."""

    @dataclass(frozen=True)
    class Params:
        round_steps: int = param(8, low=1, doc="most steps between two commits")

    def step(self, t, batch):
        t.minimize(self.opt, self.loss(self.model(batch.x), batch.y))


def whole_loss(output, target):
    return pt.mean(pt.nn.functional.cross_entropy(output, target))
'''


def rows(count: int = 40, seed: int = 3) -> tuple[Any, Any]:
    draw = np.random.Generator(np.random.Philox(key=seed))
    return draw.normal(size=(count, 3)).astype(np.float32), draw.integers(0, 2, count)


def recipe(folder: Path, model: str, strategy: str, more: str = "") -> str:
    (folder / "plain.py").write_text(PLAIN)
    path = folder / "weights.toml"
    path.write_text(RECIPE.format(model=model, strategy=strategy, more=more))
    return str(path)


def mlp(folder: Path) -> str:
    return recipe(folder, "mlp", 'optimizer = { use = "sgd", lr = 0.1 }', ", hidden = [8]")


def test_a_row_of_weight_0_is_left_out() -> None:
    x, y = rows()
    weight = (np.arange(40) % 3 > 0) * 1.7
    small = {"hidden": (4,), "epochs": 2}
    all_of = pt.Classifier(**small).fit(x, y, sample_weight=weight)
    some = pt.Classifier(**small).fit(x[weight > 0], y[weight > 0])
    assert (all_of.decision_function(x) == some.decision_function(x)).all()
    values = pt.Regressor(**small).fit(x, x[:, 0] * 2, sample_weight=weight)
    fewer = pt.Regressor(**small).fit(x[weight > 0], x[weight > 0, 0] * 2)
    assert (values.predict(x) == fewer.predict(x)).all()


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_weights_count_as_often_as_repeated_rows(kind: str, tmp_path: Path) -> None:
    """In one batch of all rows, where no feature is scaled; another order of sums is all that is left."""
    x, y = rows(20)
    target = y if kind == "Classifier" else x[:, 1] - y
    times = 1 + np.arange(20) % 3
    weighted = getattr(pt, kind)(mlp(tmp_path)).fit(x, target, sample_weight=times)
    repeated = getattr(pt, kind)(mlp(tmp_path)).fit(np.repeat(x, times, axis=0), np.repeat(target, times))
    alike = getattr(pt, kind)(mlp(tmp_path)).fit(x, target)
    ask = "decision_function" if kind == "Classifier" else "predict"
    found, wanted, other = (getattr(one, ask)(x) for one in (weighted, repeated, alike))
    assert found == pytest.approx(wanted, abs=2e-5)
    assert np.abs(found - other).max() > 1e-3


def test_a_model_that_another_library_fits_says_that_it_cannot_weigh(tmp_path: Path) -> None:
    x, y = rows()
    path = Path(recipe(tmp_path, "nearest-mean", ""))
    path.write_text(path.read_text().replace("20 steps", "1 round"))
    model = pt.Classifier(path)
    with pytest.raises(pt.Error) as raised:
        model.fit(x, y, sample_weight=np.linspace(1, 2, 40))
    assert str(raised.value) == (
        "[weight] the examples have weights, which this model or strategy cannot use; expected one that can; leave the "
        "weights out, or choose another model"
    )


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ('strategy = "plain.py:Plain"', "Plain.step"),
        ('loss = "plain.py:whole_loss"', "Supervised.step"),
    ],
)
def test_a_step_that_does_not_read_weights_is_refused(lines: str, name: str, tmp_path: Path) -> None:
    x, y = rows(64)
    path = recipe(tmp_path, "mlp", f'{lines}\noptimizer = {{ use = "sgd", lr = 0.1 }}', ", hidden = [8]")
    assert pt.Classifier(path).fit(x, y).score(x, y) > 0.3
    with pytest.raises(pt.Error) as raised:
        pt.Classifier(path).fit(x, y, sample_weight=np.linspace(1, 2, 64))
    assert str(raised.value) == (
        f"[weight] the examples have weights, which {name} does not read; expected a strategy that multiplies the loss "
        "of each example by batch.weight; leave the weights out, or choose another strategy or a loss per example"
    )


def test_a_field_weight_is_multiplied_into_the_weights_of_a_padded_batch() -> None:
    data = ArrayDataset(x=np.arange(5.0), weight=np.array([2, 0, 1, 3, 4]))
    first, last = DataLoader(data, 3, pad_last=True)
    assert first.weight.tolist() == [2, 0, 1] and first.weight.dtype == np.float32 and len(first) == 3
    assert last.weight.tolist() == [3, 4, 0] and len(last) == 2 and last.keys() == ("x", "weight")
    assert [part.tolist() for part in first] == [[0, 1, 2], [2, 0, 1]]
    plain = next(iter(DataLoader(data, 3)))
    assert plain.keys() == ("x", "weight") and plain.weight.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (np.array([1.0, -1.0]), "numbers below 0 or not finite"),
        (np.ones((2, 2)), "float64[2, 2]"),
    ],
)
def test_a_field_weight_that_is_none_is_refused(weight: Any, text: str) -> None:
    with pytest.raises(pt.Error) as raised:
        next(iter(DataLoader(ArrayDataset(x=np.zeros(2), weight=weight), 2, pad_last=True)))
    assert (
        f"[weight] {text}; expected one finite number >= 0 for each example; give the field another name if it does "
        "not hold weights of examples"
    ) in str(raised.value)


def test_measures_of_a_weighted_part_are_weighted() -> None:
    x, y = rows(64)
    weight = np.where(y == 1, 3.0, 0.5).astype(np.float32)
    data = DataModule(
        "rows", "classification", {"train": ArrayDataset(x=x, y=y), "valid": ArrayDataset(x=x, y=y, weight=weight)}, 2
    )
    run = pt.fit(model="mlp", data=data, epochs=2, batch_size=32, verbose=False)
    right = np.asarray(run.predict(x)).argmax(axis=1) == y
    assert run.evaluate("valid")["accuracy"] == pytest.approx((right * weight).sum() / weight.sum(), abs=1e-6)
