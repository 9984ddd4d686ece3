"""The command: what people see, exit codes, and plugins of other distributions from installation to training."""

from __future__ import annotations

import html
import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain import charts
from powertrain.cli.predict import _line as prediction_line
from running import ENDLESS, SMALL, command, environment, inside, results, run

HERE = Path(__file__).parents[1] / "plugin"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small recipe and one finished run of it."""
    folder = tmp_path_factory.mktemp("small")
    metrics = 'evaluate  = { metrics = ["accuracy", "kappa"] }\n'
    (folder / "small.toml").write_text(SMALL.replace("report    = { baseline = false }\n", metrics))
    done = run(["train", "small.toml", "--run", "one"], folder)
    (folder / "output.txt").write_text(done.stdout)
    return folder


WITHOUT_MATPLOTLIB = """
import sys


class Block:
    def find_spec(self, name, *rest):
        if name == "matplotlib":
            raise ModuleNotFoundError(name, name=name)


sys.meta_path.insert(0, Block())
"""


def install(folder: Path, *names: str) -> Path:
    """What `pip install` makes of test distributions, in a folder of its own."""
    target = folder / "installed"
    sources = [str(HERE / name) for name in names]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    # pip builds in the source folder; a copy keeps the checkout clean.
    copies = []
    for source in sources:
        copy = folder / Path(source).name
        subprocess.run(["cp", "-r", source, copy], check=True)
        copies.append(str(copy))
    subprocess.run([*pip, "--target", str(target), *copies], check=True, timeout=120)
    return target


def test_help_is_quick_and_names_every_verb() -> None:
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command(["--help"]), capture_output=True, text=True, check=True, env=environment())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    verbs = (
        "train evaluate predict generate sample explain suggest serve report export runs recipes plugins new profile "
        "help bench"
    )
    for verb in verbs.split():
        assert f"    {verb} " in done.stdout
    # Processor time: the wall clock would measure whatever else the machine does.
    assert min(seconds) < 0.2


def test_help_imports_neither_numpy_nor_torch() -> None:
    code = """
import sys
from powertrain.cli import main
main([])
print([name for name in ("numpy", "torch", "rich", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.strip().endswith("[]")


def test_version_prints_what_a_bug_report_needs(tmp_path: Path) -> None:
    done = run(["--version"], tmp_path)
    engine = rf"powertrain {re.escape(pt.__version__)} \({pt._core.isa()} kernels, 1 threads\)"
    assert re.fullmatch(rf"{engine}, Python 3\.\d+\.\d+.*, NumPy .*, .*\n", done.stdout), done.stdout


def test_what_a_person_sees(small: Path) -> None:
    lines = (small / "output.txt").read_text().splitlines()
    assert lines[0].startswith("digits (train 1,258 / valid 180 / test 359) · mlp 2,410 params · 1 threads ")
    assert lines[0].endswith(" · resume: exact")
    assert re.match(r"epoch 1/6  train [\d.]+  valid [\d.]+  accuracy 0\.\d{3}  kappa 0\.\d{3}  ", lines[1]), lines[1]
    done = next(line for line in lines if line.startswith("done "))
    assert "test accuracy 0." in done and "dummy 0.10, linear 0." in done and "Wh (" in done
    assert " · kappa 0." in done
    assert any(line.startswith("fit    ") for line in lines)
    assert sum(line.startswith("  ") for line in lines) == 12  # the header, ten classes, the mean
    assert "report one/report.html" in lines
    assert (small / "one" / "report.html").stat().st_size > 1000


def test_the_report_stands_alone(small: Path) -> None:
    page = (small / "one" / "report.html").read_text()
    assert page.count("<script") == 1 and f"script-src {charts.script_source(charts.script())}" in html.unescape(page)
    assert "://" not in page.replace(charts.script(), "")
    for title in ("Curves", "Against simple predictors", "Classes", "Worst examples", "Energy and cost", "Recipe"):
        assert f"<h2>{title}</h2>" in page


def test_a_report_without_matplotlib_says_what_it_leaves_out(small: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_MATPLOTLIB)
    subprocess.run(["cp", "-r", small / "one", tmp_path / "one"], check=True)
    run(["report", "one"], tmp_path, plugins=[tmp_path])
    page = (tmp_path / "one" / "report.html").read_text()
    assert "matplotlib is not installed" in page and 'alt="confusion matrix"' not in page
    assert page.count('alt="one of the worst examples"') == 16  # which need it not


def test_json_is_one_line_of_results(small: Path, tmp_path: Path) -> None:
    done = run(["train", str(small / "small.toml"), "--run", "two", "--json"], tmp_path)
    assert len(done.stdout.strip().splitlines()) == 1
    found = results(done)
    assert found["run"] == "two" and found["seconds"] > 0 and 0.8 < found["test"]["accuracy"] <= 1


def test_evaluate_repeats_the_numbers(small: Path) -> None:
    trained = json.loads((small / "one" / "results.json").read_text())
    measured = results(run(["evaluate", "one", "--json"], small))
    assert measured["test"] == trained["test"] and measured["valid"] == trained["valid"]


def test_runs_are_listed(small: Path) -> None:
    rows = json.loads(inside(["runs", "list", ".", "--json"], small).stdout)
    assert [(row["run"], row["state"]) for row in rows] == [("one", "finished")]


def test_smoke_takes_two_steps(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    assert results(run(["train", "small.toml", "--smoke", "--json"], tmp_path))["steps"] == 2
    assert (tmp_path / "runs" / "small-1" / "results.json").exists()


def test_an_expectation_that_is_missed_is_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL + 'expect = { "test.accuracy" = ">= 1.0" }\n')
    done = run(["train", "small.toml", "--set", "run.until=1 epoch"], tmp_path, expect=1)
    assert "expect: missed" in done.stdout
    assert "missed test.accuracy is 0." in done.stdout and "expected >= 1" in done.stdout


def test_data_that_is_missing_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "gone.toml").write_text(SMALL.replace('use = "digits"', 'use = "arrays", path = "gone.npz"'))
    said = inside(["train", "gone.toml"], tmp_path, expect=2).stderr
    assert said.startswith("[arrays gone.npz] ") and "gone.npz: No such file" in said
    assert not list((tmp_path / "runs").iterdir())


def test_the_users_mistake_is_exit_code_2_and_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(SMALL.replace("hidden", "hiden").replace("3e-3", "-1"))
    done = inside(["train", "bad.toml", "--run", "a"], tmp_path, expect=2)
    assert done.stderr.splitlines() == [
        "[bad.toml:3 model.hiden] no such parameter of mlp; expected hidden, activation, dropout; did you mean hidden?",
        "[bad.toml:4 optimizer.lr] received -1; expected a number > 0; 1e-3 is usual for adamw",
    ]
    assert done.stdout == "" and not (tmp_path / "a").exists()


def test_a_run_is_not_overwritten(small: Path) -> None:
    done = inside(["train", "small.toml", "--run", "one"], small, expect=2)
    assert done.stderr.strip() == (
        "[one] it holds a run already; expected a new folder; add --resume (in Python resume=True) to continue that "
        "run, or remove the folder to start again"
    )


def test_max_minutes_stops_and_saves(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(ENDLESS)
    done = run(["train", "small.toml", "--run", "a", "--max-minutes", "0.02"], tmp_path)
    assert "the time that --max-minutes allows is over" in done.stdout
    assert len(run(["runs", "hash", "a"], tmp_path).stdout.strip()) == 64


def test_recipes_and_plugins_are_listed_without_importing_any(tmp_path: Path) -> None:
    names = [row["name"] for row in json.loads(run(["recipes", "--json"], tmp_path).stdout)]
    assert {"digits", "fashion-mnist", "fashion-mnist-mlp", "austen-char"} <= set(names)
    found = json.loads(run(["plugins", "list", "--json"], tmp_path).stdout)
    assert ("model", "cnn") in {(row["group"], row["name"]) for row in found["plugins"]}
    shown = run(["plugins", "show", "adamw"], tmp_path).stdout
    assert "lr = a number > 0; default 0.001  step size" in shown


ACME = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "acme-learning/rings", width = 24 }
loss      = { use = "focal", gamma = 1.5 }
strategy  = { use = "averaged", keep = 0.95 }
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "3 epochs", batch_size = 64, seed = 1, save_seconds = 0 }
report    = { baseline = false }
"""


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The good plugins, installed alone."""
    return install(tmp_path_factory.mktemp("acme"), "plugin_good")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The good plugins beside broken ones."""
    return install(tmp_path_factory.mktemp("both"), "plugin_good", "plugin_broken")


def test_plugins_of_another_distribution_train_and_a_broken_one_changes_nothing(
    acme: Path, both: Path, tmp_path: Path
) -> None:
    (tmp_path / "acme.toml").write_text(ACME)
    alone = results(run(["train", "acme.toml", "--run", "alone", "--json"], tmp_path, [acme]))
    beside = results(run(["train", "acme.toml", "--run", "beside", "--json"], tmp_path, [both]))
    assert alone["test"]["accuracy"] > 0.7
    assert (alone["hash"], alone["test"]) == (beside["hash"], beside["test"])
    locked = json.loads((tmp_path / "alone" / "run.lock").read_text())
    model = next(use for use in locked["uses"] if use["group"] == "model")
    assert len(model.pop("code")) == 64  # the SHA-256 of its sources
    assert model == {
        "group": "model", "use": "acme-learning/rings", "distribution": "acme-learning", "version": "1.2.0"
    }  # fmt: skip


def test_a_plugins_parameters_are_checked_like_the_engines_own(acme: Path, tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(ACME.replace("gamma = 1.5", "gama = 1.5").replace("0.95", "1"))
    done = run(["train", "acme.toml"], tmp_path, [acme], expect=2)
    assert done.stderr.splitlines() == [
        "[acme.toml:4 loss.gama] no such parameter of focal; expected gamma; did you mean gamma?",
        "[acme.toml:5 strategy.keep] received 1; expected a number >= 0 and < 1",
    ]


def test_a_broken_plugin_is_an_error_only_for_who_names_it(both: Path, tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(ACME.replace("acme-learning/rings", "acme-broken/exits").replace("24", "3"))
    done = run(["train", "acme.toml"], tmp_path, [both], expect=2)
    assert done.stderr.strip() == (
        "[acme.toml:3 model.use] [plugin acme-broken/exits] acme-broken 0.3.0 could not import acme_broken.exits:Net: "
        "RuntimeError: this distribution cannot be imported at all; expected a plugin that can be imported; fix, "
        "update or uninstall acme-broken"
    )


def test_a_name_of_two_distributions_must_be_written_in_full(both: Path, tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(ACME.replace("acme-learning/rings", "rings"))
    done = run(["train", "acme.toml"], tmp_path, [both], expect=2)
    assert done.stderr.strip() == (
        "[acme.toml:3 model.use] several distributions offer the model rings; expected one; write acme-broken/rings or "
        "acme-learning/rings"
    )
    listed = run(["plugins"], tmp_path, [both]).stdout
    assert "conflict   model rings is offered by acme-broken/rings, acme-learning/rings; write the full name" in listed
    assert "conflict   model cnn is offered by powertrain/cnn, acme-broken/cnn; cnn means powertrain/cnn" in listed


def test_predict_answers_for_a_file_of_examples(small: Path, tmp_path: Path) -> None:
    code = "import numpy as np; from pathlib import Path; from powertrain.builtin.data import Digits;"
    code += "d = Digits.build(Digits.Params(), Path()); np.save('x.npy', d.train.fetch(np.arange(300))['x'])"
    subprocess.run([sys.executable, "-c", code], cwd=small, check=True, env=environment())
    rows = [json.loads(line) for line in inside(["predict", "one", "x.npy", "--json"], small).stdout.splitlines()]
    assert len(rows) == 300
    assert rows[0]["label"] in "0123456789" and 0.1 < rows[0]["probability"] <= 1
    plain = inside(["predict", "one", "x.npy"], small).stdout.splitlines()
    assert plain[0].split() == ["0", rows[0]["label"], str(rows[0]["probability"])]


def test_a_score_is_told_from_a_probability() -> None:
    row = {"row": 3, "label": "gneiss", "score": 3.968034, "scores": {"gneiss": 3.968034, "slate": 1.5}}
    assert prediction_line(row, False) == "     3  gneiss  score 3.968034"
    likely = {"row": 3, "label": "gneiss", "probability": 0.896189, "probabilities": {"gneiss": 0.896189}}
    assert prediction_line(likely, False) == "     3  gneiss  0.896189"


def test_predict_refuses_examples_of_another_shape(small: Path) -> None:
    subprocess.run([sys.executable, "-c", "import numpy; numpy.save('bad.npy', numpy.zeros((3, 7, 7)))"], cwd=small,
                   check=True)  # fmt: skip
    done = inside(["predict", "one", "bad.npy"], small, expect=2)
    assert done.stderr.strip() == (
        "[predict] bad.npy holds float64[3, 7, 7]; expected numbers of shape [examples, 8, 8]; save them with "
        "numpy.save(path, x) as the data set has them: after transforms of your own, such as those of an ImageFolder, "
        "and before features of the recipe"
    )


def test_predict_refuses_what_is_no_number(small: Path) -> None:
    np.save(small / "gap.npy", np.where(np.arange(128).reshape(2, 8, 8) == 70, np.nan, 1.0))
    said = inside(["predict", "one", "gap.npy"], small, expect=2).stderr.strip()
    assert (
        said == "[predict] NaN in row 1 of gap.npy; expected finite numbers; remove those rows or fill the gaps first"
    )


def test_predict_refuses_what_no_model_computes(small: Path) -> None:
    np.save(small / "far.npy", np.where(np.arange(128).reshape(2, 8, 8) >= 64, 1e300, 1.0))
    done = inside(["predict", "one", "far.npy", "--json"], small, expect=2)
    assert done.stdout == "" and done.stderr.strip() == (
        "[predict] a number beyond 3.4e38 in row 1 of far.npy; expected numbers that float32 holds; remove those rows, "
        "or scale them as the training data is"
    )


OWN = """
import powertrain as pt
from powertrain import charts
from powertrain.plugin import Model

class Net(Model):
    def __init__(self, outputs):
        super().__init__()
        self.layer = pt.nn.Linear(64, outputs)

    @classmethod
    def build(cls, params, inputs):
        return cls(inputs.outputs)

    def forward(self, x):
        return self.layer(pt.reshape(x, (x.shape[0], 64)))
"""


def test_own_code_beside_the_recipe_goes_with_the_run(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(OWN)
    (tmp_path / "own.toml").write_text(SMALL.replace('"mlp", hidden = [32], dropout = 0.1', '"./model.py:Net"'))
    trained = results(run(["train", "own.toml", "--run", "a", "--json"], tmp_path))
    (tmp_path / "model.py").write_text(OWN.replace("self.layer(", "-self.layer("))
    measured = results(run(["evaluate", "a", "--json"], tmp_path))
    assert measured["test"] == trained["test"]
    done = run(["train", "own.toml", "--run", "a", "--resume"], tmp_path, expect=2)
    assert "model.py is not the file that the run began with" in done.stderr


def test_a_strategy_with_couples_and_a_scalar_loss_is_told_apart(tmp_path: Path) -> None:
    strategy = """
import powertrain as pt
from powertrain import charts
from powertrain.builtin.strategies.supervised import Supervised

class Wrong(Supervised):
    def step(self, t, batch):
        t.minimize(self.opt, self.loss(self.model(batch.x), batch.y).mean(), batch.weight)
"""
    (tmp_path / "strategy.py").write_text(strategy)
    text = SMALL.replace('strategy  = { use = "supervised", round_steps = 5 }', 'strategy = "./strategy.py:Wrong"')
    (tmp_path / "wrong.toml").write_text(text)
    done = inside(["train", "wrong.toml"], tmp_path, expect=2)
    assert "[minimize] loss is one number; expected one value per example" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_output_that_is_full_is_said_in_words(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command(["recipes"]),
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        2,
        "[output] No space left on device; expected a place for what is printed or written; free some space, or choose "
        "another place\n",
    )
