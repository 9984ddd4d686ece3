"""An editor completes what there is: jedi, which completes in notebooks and editors, on the installed package."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import jedi
import pytest

import powertrain as pt
import powertrain.nn.functional as F

IMPORTS = """import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Batch, Event, Run, Step, Strategy
"""
MODEL = pt.nn.Sequential(pt.nn.Linear(2, 3))
STRATEGY = "class Mine(Strategy):\n    def step(self, t: Step, batch: Batch):\n        "


def shown(names: Iterable[str]) -> set[str]:
    return {name for name in names if name[0] != "_" and name.isidentifier()}


def completed(code: str) -> set[str]:
    return {completion.name for completion in jedi.Script(IMPORTS + code).complete()}


@functools.cache
def trained() -> pt.TrainedRun:
    return pt.fit("digits", epochs=1, verbose=False)


@pytest.mark.parametrize(
    ("code", "there"),
    [
        ("pt.", pt),
        ("pt.nn.", pt.nn),
        ("F.", F),
        ("pt.optim.", pt.optim),
        ("pt.data.", pt.data),
        ("pt.metrics.", pt.metrics),
        ("pt.plugin.", pt.plugin),
        ("pt.linalg.", pt.linalg),
        ("pt.fft.", pt.fft),
        ("pt.random.", pt.random),
        ("x = pt.zeros((2,))\nx.", pt.zeros((2,))),
        ("x = pt.exp(pt.zeros((2,)))\nx.", pt.zeros((2,))),
        ("x = pt.zeros((2,)).sum()\nx.", pt.zeros((2,))),
        ("x = F.relu(pt.zeros((2,)))\nx.", pt.zeros((2,))),
        ("loader = pt.data.DataLoader([])\nloader.", pt.data.DataLoader([1.0])),
        ("model = pt.nn.Sequential(pt.nn.Linear(2, 3))\nmodel.", MODEL),
        ("model = pt.nn.Linear(2, 3)\nmodel.", MODEL[0]),
        ("opt = pt.optim.AdamW(pt.nn.Linear(2, 3))\nopt.", pt.optim.AdamW(MODEL)),
        ("step = pt.compile(lambda x: x)\nstep.", ["captured", "describe", "traces", "tripped"]),
        ("for batch in pt.data.DataLoader([]):\n    batch.", ["arrays", "cursor", "indices", "items", "weight"]),
        (f"{STRATEGY}t.", vars(pt.plugin.Step)),
        (f"{STRATEGY}batch.", vars(pt.plugin.Batch)),
        ("class Mine(Strategy):\n    def start(self, run: Run):\n        run.", vars(pt.plugin.Run)),
    ],
    ids=lambda value: value.rpartition("\n")[2] if isinstance(value, str) else "",
)
def test_what_is_there_is_completed(code: str, there: Any) -> None:
    names = shown(there if isinstance(there, (list, type(vars(int)))) else dir(there))
    assert names
    assert names - completed(code) == set()


def test_a_run_is_completed() -> None:
    assert shown(dir(trained())) - completed('run = pt.fit("digits")\nrun.') == set()
    assert shown(dir(trained().history)) - completed('run = pt.fit("digits")\nrun.history.') == set()
    assert shown(dir(trained().model)) >= {"forward"}
    assert {"forward", "named_parameters", "state_dict"} <= completed('run = pt.fit("digits")\nrun.model.')


def test_the_arguments_of_a_call_are_shown() -> None:
    (call,) = jedi.Script(f"{IMPORTS}pt.nn.Linear(").get_signatures()
    assert [one.name for one in call.params][:3] == ["in_features", "out_features", "bias"]
    (call,) = jedi.Script(f"{IMPORTS}pt.fit(").get_signatures()
    assert {"model", "data", "epochs", "steps", "lr"} <= {one.name for one in call.params}
