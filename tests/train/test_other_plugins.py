"""A run whose plugins are other ones by now: edited, of another version, or not installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from powertrain.train.folder.ledger import read_lines
from running import results, run

MODEL = """
from powertrain.plugin import Model, NoParams, as_rows, features
import powertrain as pt


class Net(Model):
    def __init__(self, count, outputs):
        super().__init__()
        self.layer = pt.nn.Linear(count, outputs)

    @classmethod
    def build(cls, params: NoParams, inputs):
        return cls(features(inputs), inputs.outputs)

    def forward(self, x):
        return self.layer(as_rows(x))
"""
TRAINING = """
from dataclasses import dataclass

from powertrain.plugin import Callback, param
import powertrain as pt


class Quiet(Callback):
    pass


class Plain(pt.optim.SGD):
    @dataclass(frozen=True)
    class Params:
        lr: float = param(0.1, above=0)

    @classmethod
    def build(cls, params, module, **settings):
        return cls(module, lr=params.lr, **settings)
"""
RECIPE = """
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
model     = "acme-net"
optimizer = { use = "acme-plain", lr = 1e-2 }
callbacks = ["acme-quiet"]
run       = { until = "1 epoch", batch_size = 64 }
report    = { baseline = false }
"""
ALL = (("model", "acme-net", "acme_net:Net"), ("optimizer", "acme-plain", "acme_training:Plain"),
       ("callback", "acme-quiet", "acme_training:Quiet"))  # fmt: skip


def installed(folder: Path, version: str = "1.0", but: tuple[str, ...] = (), more: str = "") -> Path:
    """What pip makes of two distributions, acme-net and acme-training."""
    folder.mkdir()
    for name, groups in (("acme-net", ("model",)), ("acme-training", ("optimizer", "callback"))):
        if name in but:
            continue
        (folder / f"{name.replace('-', '_')}.py").write_text((MODEL if name == "acme-net" else TRAINING) + more)
        about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        entries = [f"[powertrain.v1.{group}]\n{use} = {at}\n" for group, use, at in ALL if group in groups]
        (about / "entry_points.txt").write_text("\n".join(entries))
    return folder


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A folder with a run `a` that was trained with version 1.0 of both."""
    (tmp_path / "acme.toml").write_text(RECIPE)
    run(["train", "acme.toml", "--run", "a"], tmp_path, [installed(tmp_path / "first")])
    return tmp_path


def changes(folder: Path) -> list[Any]:
    return [line["changes"] for line in read_lines(folder / "a") if line["event"] == "changed_versions"]


def test_a_resume_says_which_plugins_have_changed(trained: Path) -> None:
    more = ["--run", "a", "--resume", "--json", "--set"]
    same = run(["train", "acme.toml", *more, "run.until=2 epochs"], trained, [trained / "first"])
    assert same.stderr == "" and not changes(trained) and "changed_versions" not in results(same)
    edited = installed(trained / "edited", more="\n# edited\n")
    done = run(["train", "acme.toml", *more, "run.until=3 epochs"], trained, [edited])
    words = ["the code of acme-net 1.0 was edited", "the code of acme-training 1.0 was edited"]
    assert done.stderr == f"[a] since this run began: {'; '.join(words)}\n"
    assert changes(trained) == [words] and results(done)["changed_versions"] == words
    newer = installed(trained / "newer", "1.1")
    done = run(["train", "acme.toml", *more, "run.until=4 epochs"], trained, [newer])
    later = ["acme-net 1.0 is acme-net 1.1 now", "acme-training 1.0 is acme-training 1.1 now"]
    assert done.stderr == f"[a] since this run began: {'; '.join(later)}\n" and changes(trained) == [words, later]
    page = (trained / "a" / "report.html").read_text()
    assert f"Versions or code changed while it was trained: {'; '.join([*words, *later])}." in page


def test_an_error_of_a_run_names_the_distributions_that_are_not_installed(trained: Path) -> None:
    bare = installed(trained / "bare", but=("acme-net", "acme-training"))
    line = ("[a/run.lock] the run was trained with {0} 1.0, which is not installed; expected its plugins; if you trust "
            "them: pip install {0}==1.0")  # fmt: skip
    for arguments in (["predict", "a", "x.npy"], ["train", "acme.toml", "--run", "a", "--resume"]):
        said = run(arguments, trained, [bare], expect=2).stderr.splitlines()
        assert said[-2:] == [line.format("acme-net"), line.format("acme-training")]
        assert "no such model acme-net" in said[0]
    lock = json.loads((trained / "a" / "run.lock").read_text())
    for use in lock["uses"]:
        use["version"] = "1.0; curl evil.example"  # a stranger may have written it
    (trained / "a" / "run.lock").write_text(json.dumps(lock))
    assert "pip install" not in run(["predict", "a", "x.npy"], trained, [bare], expect=2).stderr


def test_a_prediction_needs_no_plugins_of_the_training(trained: Path) -> None:
    both = run(["evaluate", "a", "--json"], trained, [trained / "first"]).stdout
    alone = installed(trained / "alone", but=("acme-training",))
    assert run(["evaluate", "a", "--json"], trained, [alone]).stdout == both
    said = run(["train", "acme.toml", "--run", "a", "--resume"], trained, [alone], expect=2).stderr
    assert said.splitlines()[-1].endswith("pip install acme-training==1.0")
