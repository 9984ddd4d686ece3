"""What a server asks of a run: answers as JSON, to examples that are checked, without what changes nothing."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import _core
from powertrain.train.deciding.calibrations import Temperature
from powertrain.train.deciding.decision import Decision
from powertrain.train.evaluate import evaluation
from powertrain.train.evaluate.predictions import FEW, Form, Predictions

DATA = np.random.default_rng(0).normal(size=(60, 3)).astype("float32"), np.arange(60) % 3


def rows_of(said: Predictions) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in ("row", "file")} for row in said]


@pytest.mark.parametrize(
    ("form", "names"),
    [
        (Form(('a "b"', "50 %", "ü%s")), ()),
        (Form(tuple(map(str, range(FEW + 1)))), ("x.png", "y.png")),
        (Form(("no", "yes"), decision=Decision(threshold=0.9)), ()),
        (Form(("no", "yes"), probable=False), ()),
        (Form(unit="m"), ()),
        (Form(answer=lambda row: {"sum": float(row.sum())}), ()),
    ],
)
def test_json_says_what_the_dicts_say(form: Form, names: tuple[str, ...]) -> None:
    outputs = np.random.default_rng(1).normal(size=(2, len(form.classes) or 3)).astype("float32") * 4
    said = Predictions(outputs, form, names)
    written = said.json()
    assert [json.loads(line) for line in written] == rows_of(said) and all(map(str.isascii, written))
    beside = said.with_columns({"id": ["k", "l"]})
    assert [json.loads(line) for line in beside.json()] == rows_of(beside)


def test_the_json_of_a_row_does_not_depend_on_others() -> None:
    for classes in (3, FEW + 8):
        outputs = np.random.default_rng(2).normal(size=(50, classes)).astype("float32") * 5
        form = Form(tuple(map(str, range(classes))))
        alone = [Predictions(outputs[at : at + 1], form).json()[0] for at in range(50)]
        assert Predictions(outputs, form).json() == alone
        assert Predictions(outputs, form)[10:12].json() == alone[10:12]


def test_checked_examples_get_the_same_answers() -> None:
    run = pt.fit(model={"use": "mlp", "hidden": [4]}, data=DATA, steps=5, verbose=False)
    x = run.examples(DATA[0][:3])
    assert np.array_equal(run.predict(x, checked=True).outputs, run.predict(x).outputs)
    with pytest.raises(pt.Error, match="NaN"):
        run.predict(x * np.nan)


def test_a_program_is_settled_until_an_attribute_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks: list[Any] = []
    block = evaluation.evaluating

    def noted(modules: Any) -> Any:
        blocks.append(modules)
        return block(modules)

    run = pt.fit(model={"use": "mlp", "hidden": [4], "dropout": 0.5}, data=DATA, steps=5, verbose=False)
    monkeypatch.setattr(evaluation, "evaluating", noted)
    model: Any = run.run.table.modules["model"]
    model.eval()
    expected = run.predict(DATA[0][:1]).outputs
    blocks.clear()
    x = run.examples(DATA[0][:1])
    for checked in (False, True, True, True):
        assert np.array_equal(run.predict(x, checked=checked).outputs, expected)
    assert blocks == []
    model.train()
    for _ in range(3):  # each is in evaluation mode, and leaves training mode as it was
        assert np.array_equal(run.predict(x).outputs, expected)
        assert np.array_equal(run.predict(x, checked=True).outputs, expected)
    assert len(blocks) == 6 and model.training
    model.eval()
    weights = {name: 2 * value.numpy() for name, value in run.run.table.model_slots().items()}
    run.run.table.set_model(weights)  # new weights are those of the same program
    again = run.predict(x, checked=True).outputs
    assert np.array_equal(run.predict(x, checked=True).outputs, again) and not np.array_equal(again, expected)
    run.run.evaluations.decide(Decision(Temperature(2.0)))
    halved = run.predict(x, checked=True).outputs
    assert np.allclose(halved, again / 2) and np.array_equal(run.predict(x, checked=True).outputs, halved)
    with pytest.raises(pt.Error, match="not finite"):
        run.predict(np.full_like(x, np.nan), checked=True)


def test_what_draws_numbers_is_never_settled() -> None:
    class Noisy(pt.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = pt.nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            return self.scale(x) + pt.random.normal(0.0, 1.0, (3,))

    run = pt.fit(model=Noisy(), data=DATA, steps=2, verbose=False)
    run.run.table.modules["model"].eval()
    before = run.run.generator.slot.value.numpy().tolist()
    said = [run.predict(DATA[0][:1]).outputs for _ in range(4)]
    assert all(np.array_equal(one, said[0]) for one in said)
    assert run.run.generator.slot.value.numpy().tolist() == before


def test_a_change_of_any_watched_object_moves_the_number() -> None:
    model = pt.nn.Sequential(pt.nn.Linear(2, 2), pt.nn.Dropout(0.5))
    for act in (
        model.eval,
        model.train,
        lambda: setattr(model, "mine", 1),
        lambda: delattr(model, "mine"),
        _core.facts_changed,
    ):
        before = _core.facts_epoch()
        act()
        assert _core.facts_epoch() != before
