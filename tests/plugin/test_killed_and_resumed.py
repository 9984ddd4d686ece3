"""What `powertrain.plugin.testing.killed_and_resumed` says of a strategy that a resumed run does not know whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from powertrain.plugin.testing import killed_and_resumed, powertrain

RECIPE = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
model     = { use = "mlp", hidden = [8] }
optimizer = { use = "sgd", lr = 1e-3 }
strategy  = "./forgetful.py:Forgetful"
run       = { until = "12 epochs", batch_size = 128, save_seconds = 0 }
report    = { baseline = false }
"""
STRATEGY = """\
import numpy as np
import powertrain as pt
from powertrain.plugin import Strategy


class Forgetful(Strategy):
    def setup(self, run):
        super().setup(run)
        self.age, self.factor = 0, run.slot("factor", np.ones((), np.float32))

    def round(self, run):
        self.age += 1
        self.factor.value = pt.tensor(np.float32(1 / self.age))
        super().round(run)

    def step(self, t, batch):
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses * self.factor.value, batch.weight)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))
"""
SLOW_DISK = """
import time
from powertrain.train.folder.checkpoint import Checkpoints

save = Checkpoints.save


def late(*arguments):
    time.sleep(0.5)
    save(*arguments)


Checkpoints.save = late
"""


@pytest.mark.parametrize("disk", ["", SLOW_DISK], ids=["fast", "slow"])
def test_it_names_the_first_slot_that_differs(tmp_path: Path, disk: str) -> None:
    """On a slow disk too, where a run that is killed early may have nothing to resume from."""
    (tmp_path / "forgetful.py").write_text(STRATEGY + disk)
    with pytest.raises(AssertionError) as caught:
        killed_and_resumed(RECIPE, tmp_path, after="epoch  2/")
    said = str(caught.value)
    assert said.startswith("[killed_and_resumed] after a kill and a resume model.")
    assert "expected the same bits; keep what changes in slots (run.slot, run.ring, run.blob)" in said


def test_a_refusal_comes_with_what_is_printed(tmp_path: Path) -> None:
    said = powertrain("plugins", "check", folder=tmp_path, expect=2)
    assert said.startswith("[plugins check] received no name; expected that of a distribution")


def test_it_says_which_line_it_did_not_meet(tmp_path: Path) -> None:
    (tmp_path / "forgetful.py").write_text(STRATEGY)
    with pytest.raises(AssertionError) as caught:
        killed_and_resumed(RECIPE, tmp_path, after="epoch 13/")
    assert str(caught.value).startswith("[killed_and_resumed] no line begins with 'epoch 13/'; expected one, at which ")


def test_it_says_that_there_was_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "forgetful.py").write_text(STRATEGY)
    with pytest.raises(AssertionError) as caught:
        killed_and_resumed(RECIPE.replace("12 epochs", "1 epochs"), tmp_path, after="epoch 1/")
    assert str(caught.value) == (
        "[killed_and_resumed] the run had no checkpoint at 'epoch 1/' or later; expected one to resume from; write "
        "save_seconds = 0, or train longer"
    )
