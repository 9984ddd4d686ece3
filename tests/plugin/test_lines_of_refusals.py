"""A call that the engine refuses inside of a plugin's code is refused with the plugin's line."""

from __future__ import annotations

from pathlib import Path

import pytest

from exported_runs import ONE_LAYER
from running import SMALL, run

LOSS = "import powertrain as pt\n\n\ndef own(output, target):\n    "
LOSSES = [
    ("return pt.matmul(output, output)",
     "[matmul] a is f32[64, 10], b is f32[64, 10]; a's last axis (10) must equal b's first (64); transpose b or slice a"
     "; at own.py:5 in own"),
    ("return output.foo", "[Tensor] foo; expected a name of Tensor; see dir(pt.Tensor); at own.py:5 in own"),
    ("return pt.nn.functional.cross_entropy(output, pt.ones((3,)), reduction='none')",
     "[cross_entropy] target is f32[3]; expected integers; convert it with astype; at own.py:5 in own"),
    ("pt.sum(output)", "[own in own.py:4] gives None; expected one value per example; end it with return"),
    ("raise pt.ShapeError('[own] no numbers; expected some; add them')",
     "[own] no numbers; expected some; add them"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), LOSSES, ids=["op", "name", "function", "no return", "own words"])
def test_of_a_loss(tmp_path: Path, code: str, text: str) -> None:
    assert _said(tmp_path, f"{LOSS}{code}\n", 'loss = "./own.py:own"') == text


STRATEGY = """\
import powertrain as pt
from powertrain.plugin import Strategy


class Own(Strategy):
    def step(self, t, batch):
        x, y = pt.concat([batch.x] * 2), pt.concat([batch.y] * 2)
        t.minimize(self.opt, LOSSES, batch.weight)
"""


@pytest.mark.parametrize(
    ("losses", "text"),
    [
        ("None", "received None; expected a tensor, one value per example; return it from the loss"),
        ("self.loss(self.model(x), y)", "loss is [128], weight is [64]; expected one value per example, whose axis "
         "comes first; pass pt.concat([batch.weight] * 2) as the weight"),
    ],
    ids=["none", "a batch twice"],
)  # fmt: skip
def test_of_a_strategy(tmp_path: Path, losses: str, text: str) -> None:
    said = _said(tmp_path, STRATEGY.replace("LOSSES", losses), 'strategy = "./own.py:Own"')
    assert said == f"[minimize] {text}; at own.py:8 in step"


def test_of_a_model_without_return(tmp_path: Path) -> None:
    said = _said(tmp_path, ONE_LAYER.replace("return self.layer", "self.layer"), 'model = "./own.py:Net"')
    assert said == "[Net.forward in own.py:14] gives None; expected one tensor for a batch; end it with return"


def _said(folder: Path, code: str, line: str) -> str:
    """The last line that training says with a plugin in a file."""
    (folder / "own.py").write_text(code)
    section = line.partition(" ")[0]
    others = [one for one in SMALL.splitlines() if not one.startswith(section)]
    (folder / "own.toml").write_text("\n".join([*others, line]) + "\n")
    return run(["train", "own.toml", "--run", "a"], folder, expect=2).stderr.splitlines()[-1]
