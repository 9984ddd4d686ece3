"""What a recipe asks of its run is compared with what data, strategy and plugins give, and said in full."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from running import SMALL, command, environment, run

TASK = "digits is a classification task"
BASE = SMALL.replace(", stop = { watch", ', evaluate = { every = "5 steps" }, stop = { watch')
# Settings, and what is said about them.
SETTINGS = [
    (["strategy.use=next_token", "strategy.round_steps=5"],
     "[strategy] next_token on digits, a classification task; expected language data; use other data or another "
     "strategy"),
    (["run.until=20 tokens"],
     '[run.until] received 20 tokens; digits has no tokens; expected steps, examples or epochs; for example "20 '
     'epochs"'),
    (["run.evaluate.every=20 env_steps"],
     "[run.evaluate.every] received 20 env_steps; digits has no env_steps; expected steps, examples or epochs; for "
     'example "20 epochs"'),
    (["evaluate.metrics=['r2']", "run.stop.watch=valid.r2"],
     f"[evaluate.metrics] received r2, which measures regression; {TASK}; expected a metric of this task; "
     "accuracy is usual"),
    (['expect."test.acuracy"=0.9'],
     "[--set expect.\"test.acuracy\"=0.9] expected KEY=VALUE, for example --set optimizer.lr=1e-3"),
    (["expect={'test.acuracy'='>= 0.9'}"],
     "[--set expect.test.acuracy] it is not measured; expected a part (test, valid, train), a dot and a metric (...), "
     "or one of seconds, steps, examples_per_second, data_wait.share, energy.watt_hours, "
     "energy.low, energy.high; did you mean test.accuracy?"),
    (["expect={'test.r2'='>= 0.9'}"],
     "[expect.test.r2] it is not measured; expected one of test.loss, test.accuracy, valid.loss, valid.accuracy, "
     "train.loss, train.accuracy, seconds, steps, examples_per_second, data_wait.share, energy.watt_hours, energy.low, "
     "energy.high; did you mean test.loss?"),
    (["model={model={use='mlp'}, critic={use='mlp'}}"],
     "[model.critic] supervised uses no model in that role; expected model; rename it or take it out"),
    (["optimizer={model={use='adamw'}, modle={use='sgd'}}"],
     "[optimizer.modle] supervised uses no optimizer in that role; expected model; did you mean model?; rename it "
     "or take it out"),
    (["model=nearest-mean", "strategy=fitted", "run={until='2 steps'}"],
     "[run.until] received 2 steps; the strategy fitted fits its model whole, so there are no steps to count; expected "
     'rounds; write until = "1 round"'),
    (["strategy=distillation"],
     "[--set strategy] there is no model.teacher; expected one for each role; write model.model = { use = ... } and "
     "model.teacher = { use = ... }"),
    (["run.batch_size=99999999999999999999999"],
     "[--set run.batch_size] received an integer of 77 bits; expected one from -2^63 to 2^63 - 1"),
    (["optimizer.lr=inf"], "[--set optimizer.lr] received inf; expected a number > 0; 1e-3 is usual for adamw"),
    (["optimizer.lr=1" + 400 * "0"],
     "[--set optimizer.lr] received an integer of 1,329 bits; expected one from -2^63 to 2^63 - 1"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "text"), SETTINGS, ids=[settings[0][:40] for settings, _ in SETTINGS])
def test_what_a_run_cannot_give_is_said(tmp_path: Path, settings: list[str], text: str) -> None:
    (tmp_path / "small.toml").write_text(BASE)
    given = [word for setting in settings for word in ("--set", setting)]
    said = run(["train", "small.toml", "--run", "a", *given], tmp_path, expect=2).stderr
    # Tasks that are installed bring metrics.
    said = re.sub(r"a metric \(loss, accuracy, [^)]*\)", "a metric (...)", said)
    assert said.replace("[small.toml:3 model]", "[--set strategy]").strip() == text
    assert not (tmp_path / "a").exists()  # which would refuse the corrected recipe


MODEL = "from powertrain.plugin import Model\nclass Net(Model):\n"
FILES = [
    ("Net = 3", "[small.toml:3 model] received 3; expected a class or a function; name one"),
    ("class Net: pass",
     "[small.toml:3 model] ./net.py:Net does not derive from powertrain.plugin.Model; expected class Net(Model); "
     "import Model from powertrain.plugin; see powertrain help plugins/model"),
    (f"{MODEL}    @classmethod\n    def build(cls, params): return 7\n",
     "[small.toml:3 model] ./net.py:Net: build takes (params); expected (params, inputs); see powertrain help "
     "plugins/model"),
    (f"{MODEL}    @classmethod\n    def build(cls, params, inputs): return 7\n",
     "[model ./net.py:Net] build gave 7; expected a powertrain.nn.Module; return one"),
    (f"{MODEL}    @classmethod\n    def build(cls, params, inputs): return {{}}['x']\n",
     "[plugin ./net.py] build in net.py:4 raised KeyError: 'x'; expected no exception, or one that says what to fix; "
     "the lines above show the calls"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), FILES, ids=["number", "no base", "arguments", "no module", "raises"])
def test_what_own_code_does_wrong_is_laid_at_its_door(tmp_path: Path, code: str, text: str) -> None:
    """Exit code 2, and the traceback where it raised: whoever writes it needs the lines."""
    (tmp_path / "net.py").write_text(code)
    own = SMALL.replace('{ use = "mlp", hidden = [32], dropout = 0.1 }', '"./net.py:Net"')
    (tmp_path / "small.toml").write_text(own)
    said = run(["train", "small.toml", "--run", "a"], tmp_path, expect=2).stderr
    assert said.splitlines()[-1] == text
    assert ("Traceback" in said) == ("raised" in text) and "fault of powertrain" not in said


def test_a_fault_of_the_engines_own_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    code = (
        "import sys, powertrain.train.session as session; from powertrain.cli import main\n"
        "session.fit = lambda *given: 1 / 0\n"
        "sys.exit(main(['train', 'small.toml', '--run', 'a']))\n"
    )
    asked = [command([])[0], "-c", code]
    done = subprocess.run(asked, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 3 and done.stderr.splitlines()[-1].startswith("this is a bug in powertrain")


def test_a_run_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    said = run(["train", "small.toml", "--run", "small.toml"], tmp_path, expect=2).stderr.strip()
    assert said == "[small.toml] it cannot be made: File exists; expected the path of a folder; give another one"
