"""`powertrain new` and `plugins doctor`, from an empty folder to a trained model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from test_discovery import distribution

import powertrain as pt
from c_library import needs_compiler
from powertrain.cli.scaffold import OBJECTS, new_plugin
from powertrain.plugin.registry import PluginError
from running import environment, results, run

ALL = ",".join(OBJECTS)
TEMPLATE = Path(__file__).parents[2] / "plugins" / "template"
TEMPLATE_KINDS = ("model", "loss", "kernel")


def installed(folder: Path, source: Path) -> Path:
    """What pip makes of a distribution, in a folder of its own."""
    target = folder / "installed"
    copy = folder / "copy"  # pip builds in the source folder
    subprocess.run(["cp", "-r", source, copy], check=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(copy)], check=True, timeout=120)
    return target


@needs_compiler
@pytest.mark.slow
def test_a_new_plugin_builds_installs_and_passes_its_own_tests(tmp_path: Path) -> None:
    made = json.loads(run(["new", "plugin", "acme-all", "--kinds", ALL, "--json"], tmp_path).stdout)
    assert {str(Path(path).name) for path in made["files"]} >= {"pyproject.toml", "README.md", "model.py", "env.py"}
    target = installed(tmp_path, tmp_path / "acme-all")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path / "acme-all", env=environment([target]), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
    listed = json.loads(run(["plugins", "show", "acme-all/acme-all", "--json"], tmp_path, [target]).stdout)
    assert {row["group"] for row in listed} == set(OBJECTS)


@pytest.mark.parametrize(("kind", "most"), [("loss", 10), ("model", 30)])
def test_a_loss_has_under_10_lines_and_a_model_under_30(kind: str, most: int, tmp_path: Path) -> None:
    """The whole files, imports and docstrings too."""
    run(["new", "plugin", "acme", "--kinds", kind], tmp_path)
    written = (tmp_path / "acme" / "src" / "acme" / f"{kind}.py").read_text().splitlines()
    assert 0 < sum(bool(line.strip()) for line in written) < most


def test_a_model_and_a_loss_train_without_an_edit(tmp_path: Path) -> None:
    run(["new", "plugin", "acme"], tmp_path)
    target = installed(tmp_path, tmp_path / "acme")
    trained = results(run(["train", "acme/example.toml", "--json", "--run", "a"], tmp_path, [target]))
    assert trained["test"]["accuracy"] > 0.9


def test_a_recipe_trains_by_its_name_without_an_edit_and_passes_the_check(tmp_path: Path) -> None:
    said = run(["new", "plugin", "acme-small", "--kinds", "recipe"], tmp_path).stdout
    assert "next   pip install -e acme-small && powertrain train acme-small/acme-small" in said
    assert not (tmp_path / "acme-small" / "example.toml").exists(), "its own recipe is the example"
    written = tomllib.loads((tmp_path / "acme-small" / "src" / "acme_small" / "acme-small.toml").read_text())
    assert written["expect"] == {"test.accuracy": ">= 0.9", "seconds": 60}
    target = installed(tmp_path, tmp_path / "acme-small")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert (
        run(["plugins", "check", "acme-small"], elsewhere, [target]).stdout == "right  recipe acme-small/acme-small\n"
    )
    trained = results(run(["train", "acme-small", "--json"], elsewhere, [target]))
    assert trained["test"]["accuracy"] > 0.9
    assert (elsewhere / "runs" / "acme-small-1").is_dir()


def test_a_recipe_uses_the_other_kinds_of_its_distribution(tmp_path: Path) -> None:
    new_plugin("acme", ["model", "loss", "recipe"], tmp_path / "acme")
    text = (tmp_path / "acme" / "src" / "acme" / "acme.toml").read_text()
    assert 'model     = "acme/acme"' in text and 'loss      = "acme/acme"' in text


@needs_compiler
def test_a_kernel_in_c_trains_without_an_edit(tmp_path: Path) -> None:
    """Its author's own lines, in C and Python, are under 60."""
    said = run(["new", "plugin", "acme", "--kinds", "kernel"], tmp_path).stdout
    assert "pip install --no-build-isolation -e acme" in said
    written = [(tmp_path / "acme" / "src" / "acme" / name).read_text() for name in ("kernel.c", "kernel.py")]
    assert sum(bool(line.strip()) for text in written for line in text.splitlines()) < 60
    target = installed(tmp_path, tmp_path / "acme")
    done = run(["plugins", "check", "acme"], tmp_path, [target]).stdout
    assert done.splitlines() == ["right  kernel acme/acme"]
    trained = results(run(["train", "acme/example.toml", "--json", "--run", "a"], tmp_path, [target]))
    assert trained["test"]["accuracy"] > 0.9
    uses = json.loads((tmp_path / "a" / "run.lock").read_text())["uses"]
    (kernel,) = (use for use in uses if use["group"] == "kernel")
    assert (kernel["use"], kernel["distribution"], kernel["version"]) == ("acme/acme", "acme", "0.1.0")


def test_a_kernel_in_numba_trains_without_an_edit_and_passes_its_own_tests(tmp_path: Path) -> None:
    pytest.importorskip("numba", reason="Numba is an extra")
    said = run(["new", "plugin", "acme", "--kinds", "kernel", "--language", "numba"], tmp_path).stdout
    assert "next   pip install -e acme && powertrain train acme" in said
    files = {path.name for path in (tmp_path / "acme").rglob("*") if path.is_file()}
    assert "setup.py" not in files and "kernel.c" not in files
    assert '"powertrain[numba]>=' in (tmp_path / "acme" / "pyproject.toml").read_text()
    written = (tmp_path / "acme" / "src" / "acme" / "kernel.py").read_text().splitlines()
    assert sum(bool(line.strip()) for line in written) < 60
    target = installed(tmp_path, tmp_path / "acme")
    done = run(["plugins", "check", "acme"], tmp_path, [target]).stdout
    assert done.splitlines() == ["right  kernel acme/acme"]
    trained = results(run(["train", "acme/example.toml", "--json", "--run", "a"], tmp_path, [target]))
    assert trained["test"]["accuracy"] > 0.9
    own = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path / "acme", env=environment([target]), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert own.returncode == 0 and "2 passed" in own.stdout, own.stdout + own.stderr


def test_a_language_is_that_of_a_kernel(tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        new_plugin("acme", ["model"], tmp_path / "acme", "numba")
    assert str(caught.value) == (
        "[new plugin --language] received numba for model; expected c or numba for a kernel; add kernel to --kinds, or "
        "leave --language out"
    )


def test_the_copyable_template_is_what_the_scaffolder_writes(tmp_path: Path) -> None:
    new_plugin("powertrain-template", TEMPLATE_KINDS, tmp_path / "template")
    written = {path.relative_to(tmp_path / "template") for path in (tmp_path / "template").rglob("*") if path.is_file()}
    for path in written:
        assert (TEMPLATE / path).read_text() == (tmp_path / "template" / path).read_text(), path
    ours = subprocess.run(["git", "ls-files", "."], cwd=TEMPLATE, capture_output=True, text=True, check=False).stdout
    assert not ours or {Path(name) for name in ours.split()} == written


@needs_compiler
@pytest.mark.slow
def test_the_copyable_template_builds_installs_and_passes(tmp_path: Path) -> None:
    target = installed(tmp_path, TEMPLATE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=TEMPLATE, env=environment([target]), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
    checked = run(["plugins", "check", "powertrain-template"], tmp_path, [target]).stdout
    assert sorted(line.split()[1] for line in checked.splitlines()) == sorted(TEMPLATE_KINDS)


def test_a_recipe_and_a_model_to_edit(tmp_path: Path) -> None:
    said = run(["new", "digits", "mine"], tmp_path).stdout
    assert "edit mine/model.py, then: powertrain train mine/digits.toml" in said
    trained = results(run(["train", "mine/digits.toml", "--set", "run.until=5 epochs", "--json"], tmp_path))
    assert trained["test"]["accuracy"] > 0.8
    run(["new", "austen-char", "words"], tmp_path)
    assert "TransformerBlock" in (tmp_path / "words" / "model.py").read_text()
    np.savez(tmp_path / "rows.npz", x=np.eye(60, 8, dtype=np.float32), y=np.arange(60) % 3)
    (tmp_path / "quiet.py").write_text("from powertrain.plugin import Callback\n\n\nclass Quiet(Callback):\n    pass\n")
    (tmp_path / "rows.toml").write_text(
        'data      = { use = "arrays", path = "./rows.npz", split = { test = 0.2 } }\nmodel     = "linear"\n'
        'optimizer = { use = "sgd", lr = 0.1 }\ncallbacks = ["./quiet.py:Quiet"]\n'
        'run       = { until = "1 epoch", batch_size = 16 }\n'
    )
    run(["new", "rows.toml", "own"], tmp_path)
    run(["train", "rows.toml"], tmp_path / "own")  # its data lie where they lay, and its code beside it
    again = run(["new", "digits", "mine"], tmp_path, expect=2).stderr
    assert again.strip() == "[new] mine/digits.toml exists already; expected a new folder; choose another one"


@pytest.mark.parametrize(
    ("name", "kinds", "text"),
    [
        ("Acme", ["model"], "[new plugin] received Acme; expected a name of lower-case letters, digits and single "
                            "hyphens; for example acme-learning"),
        ("powertrain", ["model"], "[new plugin] received powertrain; expected a name of lower-case letters, digits and "
                                  "single hyphens; for example acme-learning"),
        ("acme", ["modle"], f"[new plugin --kinds] received modle; expected some of {', '.join(OBJECTS)}; did you mean "
                            "model?"),
        ("acme", [""], f"[new plugin --kinds] received nothing; expected some of {', '.join(OBJECTS)}"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_says_why(tmp_path: Path, name: str, kinds: list[str], text: str) -> None:
    with pytest.raises(PluginError) as caught:
        new_plugin(name, kinds, tmp_path / name)
    assert str(caught.value) == text
    assert not (tmp_path / name).exists()


def test_the_doctor_says_what_is_broken_and_is_not_hurt_by_it(tmp_path: Path) -> None:
    distribution(tmp_path / "a", "good", "[powertrain.v1.loss]\nfine = good:it\n", "def it(output, target): pass\n")
    distribution(tmp_path / "b", "good", "[powertrain.v1.loss]\nold = good:it\n", version="0.1")
    two = "[powertrain.v1.model]\nfirst = deadly:first\n[powertrain.v1.loss]\nmlp = other_module:it\n"
    distribution(tmp_path / "a", "deadly", two, "import os\nos.kill(os.getpid(), 9)\n")
    (tmp_path / "a" / "other_module.py").write_text("it = len\n")
    distribution(tmp_path / "a", "torn", "[powertrain.v1.model]\nno equals sign\n")
    strays = "[powertrain.v1.models]\nnet = good:it\n[powertrain.v2.loss]\nnet = good:it\n[powertrain]\nx = y:z\n"
    distribution(tmp_path / "a", "stray", strays)
    distribution(tmp_path / "a", "older", "[powertrain.v1.loss]\nold = good:it\n")
    with (tmp_path / "a" / "older-1.0.dist-info" / "METADATA").open("a") as file:
        file.write("Requires-Dist: powertrain[vision]<0.0.9\nRequires-Dist: powertrain>=9; extra == 'x'\n")
    folders = [tmp_path / "a", tmp_path / "b"]
    done = run(["plugins", "doctor"], tmp_path, folders, expect=1).stdout.splitlines()
    # The first-party distributions may be installed beside them.
    assert [line for line in done if not line.startswith(("powertrain-", "shadowed   powertrain"))] == [
        "deadly: 2 plugins",
        "good: 1 plugins",
        "older: 1 plugins",
        "broken     [plugin deadly/first] deadly 1.0: it crashed with SIGKILL; expected a plugin that can be imported; "
        "fix or uninstall it",
        f"outside    older asks for powertrain<0.0.9, and this is {pt.__version__}; install versions that fit",
        "not read   stray/net is in the group powertrain.v1.models, which nothing reads; expected powertrain.v1.model; "
        "fix the entry point, and install again",
        "not read   stray/net is in the group powertrain.v2.loss, which nothing reads; expected powertrain.v1.loss; "
        "fix the entry point, and install again",
        "shadowed   good 0.1 by its 1.0, which comes first on the path",
        "unreadable torn: its entry_points.txt: a line is 'no equals sign'; expected name = module:object; reinstall "
        "or remove it",
    ]
    assert json.loads(run(["plugins", "doctor", "--json"], tmp_path).stdout)["broken"] == []
