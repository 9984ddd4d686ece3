"""Declared fields of plugins: what no base declares is an error when the class is made, with the name that is near."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import powertrain as pt
from powertrain.errors.methods import MissingMethodError, lacking, overridden
from powertrain.plugin import (
    Callback,
    Data,
    Environment,
    FieldError,
    Loss,
    Metric,
    Model,
    Optimizer,
    RandomTransform,
    Strategy,
    Transform,
    param,
)
from powertrain.plugin.protocols import BASES, base_of, unfit

WORDS = "needs, params, resume, task"


def message(make: Any) -> str:
    with pytest.raises(FieldError) as caught:
        make()
    return str(caught.value)


@pytest.mark.parametrize(
    ("base", "name", "value", "text"),
    [
        (Strategy, "need", ("model",), "did you mean needs?"),
        (Strategy, "host_", True, "did you mean host?"),
        (Strategy, "resumes", "exact", "did you mean resume?"),
        (Model, "strategies", "supervised", "did you mean strategy?"),
        (Model, "probabilites", False, "did you mean probabilities?"),
        (Metric, "task", ("regression",), "did you mean tasks?"),
        (Transform, "randomm", True, "did you mean random?"),
        (Data, "example", (), "did you mean examples?"),
        (Metric, "decimals", 3, "write a constant of your own in upper case"),
        (Optimizer, "row", True, "did you mean ROWS?"),
        (Optimizer, "moments", ("m",), "did you mean MOMENTS?"),
        (Optimizer, "keep", 0.9, "write a constant of your own in upper case"),
        (pt.optim.AdamW, "rows", True, "did you mean ROWS?"),
    ],
)
def test_a_field_that_nothing_reads_is_an_error(base: type, name: str, value: Any, text: str) -> None:
    said = message(lambda: type("Mine", (base,), {name: value}))
    assert said.startswith(f"[Mine] received a field {name}, which nothing reads; expected one of ")
    assert said.endswith(f"; {text}")


@pytest.mark.parametrize(
    ("base", "name", "value", "text"),
    [
        (Strategy, "needs", "model", '[Mine] needs = "model"; expected a list of text in quotes; change it'),
        (Strategy, "host", 1, "[Mine] host = 1; expected true or false; change it"),
        (Strategy, "resume", "never", '[Mine] resume = "never"; expected one of "exact", "restart"; change it'),
        (Metric, "tasks", (3,), "[Mine] tasks = [3]; expected a list of text in quotes; change it"),
        (Model, "strategy", None, "[Mine] strategy = None; expected a text in quotes; change it"),
        (Optimizer, "ROWS", 1, "[Mine] ROWS = 1; expected true or false; change it"),
        (Optimizer, "MOMENTS", "m", '[Mine] MOMENTS = "m"; expected a list of text in quotes; change it'),
        (Optimizer, "COUNTERS", ("t",), '[Mine] COUNTERS = ["t"]; expected a table of numbers; change it'),
        (Optimizer, "COUNTERS", {"t": "0"}, '[Mine] COUNTERS = { t = "0" }; expected a table of numbers; change it'),
    ],
)
def test_a_field_of_another_type_is_an_error(base: type, name: str, value: Any, text: str) -> None:
    assert message(lambda: type("Mine", (base,), {name: value})) == text


@pytest.mark.parametrize(
    ("base", "name", "near"),
    [(Strategy, "section", "sections"), (Strategy, "setups", "setup"), (Metric, "updates", "update"),
     (Transform, "pictures", "picture"), (Model, "builds", "build"), (Optimizer, "update_flats", "update_flat"),
     (Optimizer, "scalar", "scalars")],
)  # fmt: skip
def test_a_method_that_is_nearly_one_that_is_called_is_an_error(base: type, name: str, near: str) -> None:
    assert message(lambda: type("Mine", (base,), {name: lambda self: None})) == (
        f"[Mine] received a method {name}, which nothing calls; expected {near}; rename it, or begin its name with an "
        "underscore where it is your own"
    )


@pytest.mark.parametrize("name", ["on_epoch_end", "on_train_begin", "after_epoch", "before_step"])
def test_a_hook_of_another_library_is_an_error(name: str) -> None:
    assert message(lambda: type("Mine", (Callback,), {name: lambda self: None})) == (
        f"[Mine] received a method {name}, which nothing calls; expected one of after_commit, on_end, on_start; rename "
        "it, or begin its name with an underscore where it is your own"
    )


@pytest.mark.parametrize(
    ("name", "near"),
    [("ROW", "ROWS"), ("MOMENT", "MOMENTS"), ("SCALE", "SCALES"), ("COUNTER", "COUNTERS"), ("MOMENTSS", "MOMENTS")],
)
def test_a_constant_that_is_nearly_a_field_is_an_error(name: str, near: str) -> None:
    """Of an optimizer, whose fields are in upper case as everybody's own constants are."""
    assert message(lambda: type("Mine", (Optimizer,), {name: True})) == (
        f"[Mine] received a constant {name}, which nothing reads; expected {near}; rename it, or begin its name with "
        "an underscore where it is your own"
    )


def test_an_optimizer_has_constants_and_methods_of_its_own() -> None:
    class Own(Optimizer):
        MOMENTS = ["m"]  # noqa: RUF012 - a list is taken too
        ROWS = True
        MOMENTUM = 0.9
        ROW_COUNT = 3
        _row = 3

        def update_flat(self, p: Any, g: Any, state: Any, decay: float, scalars: Any) -> Any:
            return p - self.shrunk(g) * scalars["rate"], {"m": g}

        def shrunk(self, g: Any) -> Any:
            return g * self.MOMENTUM

    model = pt.nn.Linear(2, 1)
    before = model.weight.numpy().copy()
    Own(model, lr=1.0).update([pt.ones((2, 1)), pt.ones((1,))])
    assert (model.weight.numpy() - before).ravel().tolist() == pytest.approx([-0.9, -0.9])
    type("Constants", (Metric,), {"ROW": True, "MOMENT": 1})  # of another kind, which has no such fields


def test_what_is_ones_own_may_stand_in_a_class() -> None:
    class Own(Strategy):
        LIMIT = 3
        _table = (1, 2)
        needs = ["model"]  # noqa: RUF012 - a list is taken too

        @dataclass(frozen=True)
        class Params:
            keep: float = param(0.5)

        class Inner:
            pass

        def distances(self, x: Any) -> Any:
            return x

        @property
        def task(self) -> str:  # type: ignore[override]
            return "language"

        @property
        def half(self) -> float:
            return float(self.params.keep) / 2

    assert Own.build(Own.Params()).half == 0.25


def test_a_class_of_a_library_beneath_keeps_its_attributes() -> None:
    """What a base that declares nothing has is none of our business."""

    class Library:
        verbose = False

        def sections_(self) -> None: ...

    class Own(Library, Metric):
        verbose = True

        def sections_(self) -> None: ...

    assert Own.verbose


def test_a_base_of_ones_own_declares_fields_for_its_subclasses() -> None:
    class Family(Metric, declares=True):
        digits: int = 3

    class Right(Family):
        digits = 4

    assert Right.digits == 4
    said = message(lambda: type("Wrong", (Family,), {"digit": 4}))
    assert said == "[Wrong] received a field digit, which nothing reads; expected one of Params, digits, examples, " \
        "lower_is_better, of_classes, tasks, unit_power; did you mean digits?"  # fmt: skip


def test_a_function_has_the_fields_of_its_base() -> None:
    def loss(output: Any, target: Any) -> Any:
        return output

    loss.probabilities = True  # type: ignore[attr-defined]
    assert unfit("loss", loss, "loss") == ""
    loss.exact_gradients = False  # type: ignore[attr-defined]
    assert unfit("loss", loss, "loss") == (
        "[loss] received a field exact_gradients, which nothing reads; expected one of Params, exact_gradient, "
        "examples, probabilities; did you mean exact_gradient?"
    )


def test_what_a_plugin_must_bring_is_said() -> None:
    class Half(Environment):
        observation = 0.0
        actions = 2

        def reset(self, seed: int) -> float:
            return 0.0

    assert lacking(Half) == ["step"] and overridden(Half, "reset") and not overridden(Half, "step")
    assert unfit("env", Half, "half") == "half has no step; expected Half.step; see powertrain help plugins/env"
    assert unfit("strategy", Half, "half") == (
        "half does not derive from powertrain.plugin.Strategy; expected class Half(Strategy); import Strategy from "
        "powertrain.plugin; see powertrain help plugins/strategy"
    )
    with pytest.raises(MissingMethodError) as caught:
        Half()
    assert str(caught.value) == ("[Half] it has no step; expected that method; write def step(self, action) in Half")
    assert isinstance(caught.value, pt.Error) and isinstance(caught.value, TypeError)


def test_a_method_takes_what_it_is_called_with() -> None:
    def one_less(self: Any) -> None: ...

    def one_more(self: Any, event: Any, run: Any) -> None: ...

    def any_number(self: Any, *event: Any, depth: int = 1) -> None: ...

    def further(self: Any, event: Any, depth: int = 1) -> None: ...

    for method, said in ((one_less, "self"), (one_more, "self, event, run")):
        with pytest.raises(FieldError) as caught:
            type("Mine", (Callback,), {"after_commit": method})
        assert str(caught.value) == (
            f"[Mine] received a method after_commit({said}); expected after_commit(self, event), as it is called; "
            "write def after_commit(self, event)"
        )
    for method in (any_number, further):
        assert issubclass(type("Mine", (Callback,), {"after_commit": method}), Callback)


def test_an_optimizer_brings_one_of_its_updates() -> None:
    def build(cls: Any, params: Any, module: Any, **settings: Any) -> Any: ...

    none = type("None_", (Optimizer,), {"build": classmethod(build)})
    assert unfit("optimizer", none, "none") == (
        "none has no update_flat; expected None_.update_flat; see powertrain help plugins/optimizer"
    )
    by_part = type("Part", (none,), {"update_part": lambda self, part, g, scalars: (g, {})})
    assert unfit("optimizer", by_part, "part") == ""


def test_a_loss_may_be_a_class() -> None:
    class Huge(Loss):
        @dataclass(frozen=True)
        class Params:
            by: float = param(2.0)

        def __call__(self, output: Any, target: Any) -> Any:
            return pt.square(output - target)[:, 0] * self.params.by

    assert unfit("loss", Huge, "huge") == ""
    x = np_rows()
    trained = pt.fit(
        model=pt.nn.Linear(2, 1), data=(x, x[:, :1]), epochs=1, loss={"use": Huge, "by": 3.0}, verbose=False,
        report={"baseline": False},
    )  # fmt: skip
    assert trained.run.recipe.loss is not None and trained.run.recipe.loss.params.by == 3.0


def np_rows() -> Any:
    import numpy as np

    return np.random.default_rng(0).normal(size=(32, 2)).astype("float32")


def test_every_group_has_a_base_that_is_public() -> None:
    import powertrain.plugin as plugins

    for group in BASES:
        assert getattr(plugins, base_of(group).__name__) is base_of(group)
    assert plugins.RandomTransform is RandomTransform


def test_what_strategies_work_with_is_typed() -> None:
    """An editor completes Run, Step and Batch: no signature of theirs says Any."""
    text = (Path(pt.__file__).parent / "plugin" / "run.py").read_text(encoding="utf-8")
    assert not re.search(r"\bAny\b", text)


def test_a_limit_that_param_does_not_take() -> None:
    with pytest.raises(pt.Error) as caught:
        param(1.0, abvoe=0)  # type: ignore[call-overload]
    assert isinstance(caught.value, TypeError) and str(caught.value) == (
        "[param] received abvoe; expected default, low, high, above, below, choices, doc, usual, alias, run, results; "
        "did you mean above?"
    )
