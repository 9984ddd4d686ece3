"""Settings may be numbers of NumPy's, and arrays and tensors of one number without axes."""

import numpy as np
import pytest

import powertrain as pt
from powertrain.optim.settings import OptimizerError
from powertrain.plugin import Callback, SetScalar
from powertrain.recipe import RecipeError
from powertrain.train.folder.run_folder import RunError

X = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)
Y = np.arange(32) % 2
SETTINGS = {
    "lr": 0.125, "batch_size": 8, "seed": 3, "validation": 0.25, "threads": 1, "steps_per_epoch": 2, "workers": 1,
    "max_minutes": 60.0, "optimizer": {"use": "adamw", "lr": 0.125, "weight_decay": 0.5},
    "class_weight": {0: 1.0, 1: 2.0},
}  # fmt: skip


def fitted(**settings):
    pt.random.seed(0)
    model = pt.nn.Linear(3, 2)
    given = {"epochs": 1, "batch_size": 16, "verbose": False, **settings}
    return pt.fit(model=model, data=(X, Y), **given).results["hash"]


def each(value, make):
    return {key: each(one, make) for key, one in value.items()} if isinstance(value, dict) else (
        value if isinstance(value, str) else make(value))  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_a_fit_takes_an_array_without_axes_for_a_number(name):
    plain = fitted(**{name: SETTINGS[name]})
    assert fitted(**{name: each(SETTINGS[name], np.array)}) == plain
    assert fitted(**{name: each(SETTINGS[name], pt.tensor)}) == plain


def test_an_array_with_an_axis_is_no_number():
    with pytest.raises(RecipeError, match=r"^\[recipe optimizer.lr\] received .*; expected a number > 0"):
        fitted(lr=np.array([0.001]))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"batch_size": 0}, "[run.batch_size] received 0; expected a whole number >= 1 and <= 16,777,216"),
        ({"max_minutes": "1"}, "[fit] received max_minutes='1'; expected a number >= 0; such as 30"),
        ({"max_minutes": float("nan")}, "[fit] received max_minutes=nan; expected a number >= 0; such as 30"),
        ({"max_minutes": -1}, "[fit] received max_minutes=-1; expected a number >= 0; such as 30"),
    ],
)
def test_settings_that_were_passed_over_are_refused(settings, text):
    with pytest.raises(pt.Error) as caught:
        fitted(**settings)
    assert str(caught.value) == text


def updated(**settings):
    pt.random.seed(0)
    model = pt.nn.Linear(3, 2)
    opt = pt.optim.AdamW(model, **{"lr": 0.125, **settings})
    for _ in range(3):
        opt.update(pt.nn.value_and_grad(model, lambda: pt.nn.functional.cross_entropy(model(X), Y))()[1])
    return model.weight.value.numpy(), len(opt.parts)


@pytest.mark.parametrize("make", [np.array, np.float32, pt.tensor])
@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 0.125}, {"weight_decay": 0.5}, {"clip": 0.25}, {"clip_value": 0.25}, {"accumulate": 2},
        {"layer_decay": 0.5}, {"groups": [{"match": "*", "lr": 0.25, "weight_decay": 0.5}]},
    ],
)  # fmt: skip
def test_an_optimizer_takes_them_for_numbers(settings, make):
    given = {
        name: [each(one, make) for one in value] if isinstance(value, list) else make(value)
        for name, value in settings.items()
    }
    weight, parts = updated(**settings)
    same, as_many = updated(**given)
    np.testing.assert_array_equal(same, weight)
    assert as_many == parts


@pytest.mark.parametrize("name", ["lr", "weight_decay", "clip", "layer_decay"])
def test_an_optimizer_refuses_an_array_with_an_axis(name):
    with pytest.raises(OptimizerError, match=rf"^\[optimizer\] {name} = ndarray; expected "):
        pt.optim.AdamW(pt.nn.Linear(3, 2), **{name: np.array([0.1])})


@pytest.mark.parametrize("rate", [np.float32(-1), np.array(-1.0), pt.tensor(-1.0), np.array(np.nan)])
def test_a_rate_is_checked_whatever_holds_it(rate):
    opt = pt.optim.SGD(pt.nn.Linear(3, 2), lr=0.1)
    with pytest.raises(OptimizerError, match=r"^\[optimizer\] lr = (-1|nan); expected a number > 0; "):
        opt.lr = rate
    assert opt.lr.item() == 0.1


class Setting(Callback):
    VALUE = None

    def after_commit(self, event):
        return SetScalar("optimizer.lr", self.VALUE)


@pytest.mark.parametrize("value", [np.float32(-1), float("nan"), "fast", None, -1.0])
def test_a_callback_that_sets_no_rate_is_named(value):
    class Wrong(Setting):
        VALUE = value

    with pytest.raises(RunError, match=r"^\[callback Wrong\] it set optimizer.lr to .*; expected a number >= 0; give "):
        fitted(callbacks=[Wrong()])


def test_a_callback_may_set_an_array_without_axes():
    class Plain(Setting):
        VALUE = 0.5

    class OfNumpy(Setting):
        VALUE = np.array(0.5)

    assert fitted(epochs=3, callbacks=[Plain()]) == fitted(epochs=3, callbacks=[OfNumpy()])
