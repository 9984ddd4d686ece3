"""What a recipe says around an optimizer: groups of parameters, and a warm-up before a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_recipe import GOOD, complaint, read

import powertrain as pt
from powertrain.optim import OptimizerError
from powertrain.plugin.group import Group
from powertrain.recipe.objects import ObjectError


def test_groups_and_a_warm_up_belong_to_any_optimizer_and_schedule(tmp_path: Path) -> None:
    line = 'optimizer = { use = "adamw", lr = 3e-3, schedule = "cosine" }\n'
    text = GOOD.replace(line, "") + (
        '[optimizer]\nuse = "adamw"\nschedule = { use = "cosine", warmup = 7, floor = 0.5 }\n'
        '[[optimizer.groups]]\nmatch = "*.bias"\nweight_decay = 0.0\n[[optimizer.groups]]\nmatch = "0.*"\nlr = 1e-4\n'
    )
    found = read(tmp_path, text).optimizers["model"]
    assert found.groups == (Group("*.bias", weight_decay=0.0), Group("0.*", lr=1e-4))
    assert found.warmup == 7 and found.schedule is not None and found.schedule.params.floor == 0.5


LINES = [
    (
        "optimizer = { use = 'adamw', schedule = { use = 'cosine', warmup = -1 } }",
        "[digits.toml:5 optimizer.schedule.warmup] received -1; expected a whole number >= 0",
    ),
    (
        "optimizer = { use = 'adamw', groups = [{ match = '*.bias', weight_decy = 0 }] }",
        "[digits.toml:5 optimizer.groups.0.weight_decy] no such parameter of groups; expected match, lr, weight_decay, "
        "start, frozen; did you mean weight_decay?",
    ),
    (
        "optimizer = { use = 'adamw', groups = [{ match = '*.bias' }, { lr = 0.1 }] }",
        "[digits.toml:5 optimizer.groups.1] match is missing; groups needs a text in quotes; add match = ...",
    ),
    (
        "optimizer = { use = 'adamw', groups = [{ match = '*.bias', lr = 0 }] }",
        "[digits.toml:5 optimizer.groups.0.lr] received 0; expected a number > 0",
    ),
    (
        "optimizer = { use = 'adamw', groups = { match = '*.bias' } }",
        '[digits.toml:5 optimizer.groups] received { match = "*.bias" }; expected a list of tables',
    ),
]


@pytest.mark.parametrize(("line", "text"), LINES, ids=[line for line, _ in LINES])
def test_a_mistake_is_said_with_its_line_and_cure(tmp_path: Path, line: str, text: str) -> None:
    lines = [line if old.startswith("optimizer") else old for old in GOOD.splitlines()]
    assert complaint(tmp_path, "\n".join(lines))[0] == text


TABLES: dict[str, Any] = {
    "data": {"use": "digits"},
    "features": [{"use": "scale", "by": 0.0625}],
    "model": {"use": "mlp", "hidden": [8]},
    "run": {"until": "20 steps", "batch_size": 8, "save_seconds": 0},
    "report": {"baseline": False},
}


def trained(**optimizer: Any) -> Any:
    table = {"use": "sgd", "lr": 0.1, "momentum": 0.0, **optimizer}
    return pt.fit({**TABLES, "optimizer": table}, verbose=False).run.optim()


def test_groups_of_a_recipe_reach_the_optimizer() -> None:
    groups = [{"match": "*.bias", "weight_decay": 0.0}, {"match": "*0.weight", "lr": 0.01}]
    opt = trained(weight_decay=0.1, groups=groups)
    assert {tuple(group["names"]): (round(group["lr"], 12), group["weight_decay"]) for group in opt.param_groups} == {
        ("layers.0.weight",): (0.01, 0.1),
        ("layers.0.bias", "layers.1.bias"): (0.1, 0.0),
        ("layers.1.weight",): (0.1, 0.1),
    }


@pytest.mark.parametrize(
    ("groups", "text"),
    [
        ([{"match": "*.bia"}], "[optimizer] group pattern '*.bia' matches no parameter; expected one that matches "),
        ([{"match": "*.bias"}, {"match": "*"}], "[optimizer] group patterns '*.bias' and '*' both match "),
    ],
)
def test_a_pattern_that_does_not_fit_the_model_is_refused(groups: list[dict[str, Any]], text: str) -> None:
    with pytest.raises(OptimizerError) as caught:
        trained(groups=groups)
    assert str(caught.value).startswith(text)


def test_a_schedule_of_a_recipe_is_that_of_a_script() -> None:
    """After a warm-up over as many updates as are left of the run."""
    s = pt.optim.schedules
    got = trained(schedule={"use": "cosine", "warmup": 4, "eta_min": 0.01}).schedule
    rise = s.LinearLR(1 / 5, 1.0, total_iters=4)
    want = s.SequentialLR([rise, s.CosineAnnealingLR(T_max=16, eta_min=0.01)], milestones=[4])
    assert got == want
    assert np.allclose([got(step, 0.1) for step in range(4)], [0.02, 0.04, 0.06, 0.08])
    assert trained(schedule="one-cycle").schedule == s.OneCycleLR(total_steps=20)
    assert trained(schedule={"use": "step", "step_size": 3}, accumulate=2).schedule == s.StepLR(3)
    assert trained(schedule="polynomial", accumulate=3).schedule == s.PolynomialLR(total_iters=7)
    assert trained(schedule={"use": "polynomial", "total_iters": 5}).schedule == s.PolynomialLR(5)
    assert trained(schedule={"use": "inverse-sqrt", "warmup": 3}).schedule == s.InverseSqrtLR(3)
    assert trained(schedule={"use": "constant", "warmup": 3}).schedule(2) == 0.75


def test_a_schedule_may_be_an_object_in_python() -> None:
    schedule = pt.optim.schedules.StepLR(3)
    assert trained(schedule=schedule).schedule is schedule
    assert trained(schedule=pt.optim.schedules.CosineAnnealingLR()).schedule.T_max == 20
    with pytest.raises(ObjectError) as caught:
        trained(schedule=pt.nn.Linear(2, 2))
    assert str(caught.value) == (
        "[schedule] received Linear(in_features=2, out_features=2); expected a powertrain.plugin.Schedule; derive its "
        "class from that; see powertrain help plugins/schedule"
    )


def test_settings_of_pytorch_in_a_table_are_led_to_their_place() -> None:
    for key, line in (
        ("betas", "; in place of betas write beta1 = 0.9, beta2 = 0.999"),
        ("warmup", '; it belongs to the schedule: schedule = { use = "cosine", warmup = 100 }'),
    ):
        with pytest.raises(pt.Error) as caught:
            pt.recipe.load_recipe("digits", [f'optimizer={{ use = "adamw", lr = 1e-3, {key} = 1 }}'])
        assert f"optimizer.{key}] no such parameter of adamw; expected " in str(caught.value)
        assert str(caught.value).endswith(line)
