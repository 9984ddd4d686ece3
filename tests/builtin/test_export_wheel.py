"""Runs as wheels: installed into a fresh folder they predict, and they say nothing of the machine that made them."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from exported_runs import DIGITS, ONE_LAYER, of_digits
from powertrain.plugin import ExportError
from powertrain.plugin.versions import next_breaking
from running import environment

RECIPE = """\
data      = { use = "digits", split = { test = 0.2 } }
features  = ["standardize"]
model     = "./net.py:Net"
optimizer = "adamw"
run       = { until = "5 steps", batch_size = 32 }
report    = { baseline = false }
"""


def installed(wheel: Path, target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_wheel_is_installed_and_predicts(tmp_path: Path) -> None:
    run = of_digits({"use": "mlp", "hidden": [8]}, tmp_path / "my-digits")
    made = run.export("wheel", tmp_path, version="2.1")
    assert made.path.name == "my_digits-2.1-py3-none-any.whl" and made.difference == 0 and made.examples > 350
    installed(made.path, tmp_path / "site")
    x = np.random.default_rng(0).normal(size=(3, 8, 8)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    shutil.rmtree(tmp_path / "my-digits")  # nothing of the run is needed
    code = "import numpy as np, my_digits; np.save('y.npy', my_digits.predict(np.load('x.npy')))"
    how = {"cwd": tmp_path, "env": environment([tmp_path / "site"]), "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", code], check=False, **how)
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "y.npy").tobytes() == run.predict(x).outputs.tobytes()
    said = subprocess.run([sys.executable, "-m", "my_digits", "x.npy"], check=False, **how)
    assert said.returncode == 0 and len(said.stdout.splitlines()) == 3, said.stderr


def test_the_bytes_are_the_same_and_name_no_machine(tmp_path: Path) -> None:
    run = of_digits({"use": "linear"}, tmp_path / "it")
    run.export("wheel", tmp_path)
    wheel = tmp_path / "it-1.0-py3-none-any.whl"
    first = wheel.read_bytes()
    wheel.unlink()
    pt.load(tmp_path / "it").export("wheel", tmp_path)
    assert wheel.read_bytes() == first
    assert str(tmp_path).encode() not in first and sys.executable.encode() not in first
    with zipfile.ZipFile(wheel) as file:
        metadata = file.read("it-1.0.dist-info/METADATA").decode()
        assert file.testzip() is None
    version = pt.__version__
    assert f"Requires-Dist: powertrain>={version},<{next_breaking(version)}" in metadata.splitlines()


def test_a_model_in_a_file_goes_along(tmp_path: Path) -> None:
    (tmp_path / "net, my.py").write_text(ONE_LAYER)
    (tmp_path / "it.toml").write_text(RECIPE.replace("./net.py", "./net, my.py"))
    run = pt.fit(str(tmp_path / "it.toml"), folder=tmp_path / "it", verbose=False)
    made = run.export("wheel", tmp_path)
    with zipfile.ZipFile(made.path) as file:
        record = list(csv.reader(file.read("it-1.0.dist-info/RECORD").decode().splitlines()))
        assert [row[0] for row in record] == file.namelist() and "it/run/net, my.py" in file.namelist()
    installed(made.path, tmp_path / "site")
    code = "import numpy as np, it; print(it.predict(np.zeros((2, 8, 8), 'float32')).outputs.shape)"
    # Of another user, who trusts the package that was installed.
    env = environment([tmp_path / "site"], XDG_STATE_HOME=str(tmp_path / "state"))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "(2, 10)", done.stderr


def test_a_fitted_model_goes_along(tmp_path: Path) -> None:
    tables = {**DIGITS, "model": "nearest-mean", "strategy": "fitted", "run": {"until": "1 round"}}
    del tables["optimizer"]
    assert pt.fit(tables, folder=tmp_path / "it", verbose=False).export("wheel", tmp_path).difference == 0


@pytest.mark.parametrize(
    ("version", "following"), [("0.1.0", "0.2"), ("1.4.2", "2"), ("0.3.1.dev2", "0.4"), ("2", "3")]
)
def test_the_versions_that_it_takes(version: str, following: str) -> None:
    assert next_breaking(version) == following


def test_what_no_wheel_can_hold_is_refused(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    objects = pt.fit(
        model=pt.nn.Linear(4, 2), data=(x, np.arange(16) % 2), epochs=1, folder=tmp_path / "it", verbose=False,
        report={"baseline": False},
    )  # fmt: skip
    with pytest.raises(ExportError, match=r"^\[export wheel\] the run was made from Python objects \(data, model\)"):
        objects.export("wheel", tmp_path)
    for name in ("json", "class", "numpy"):
        run = of_digits({"use": "linear"}, tmp_path / name)
        with pytest.raises(ExportError, match=rf"^\[export wheel\] the run is called {name}; expected a name"):
            run.export("wheel", tmp_path)
    with pytest.raises(ExportError, match="version = '1; import os'; expected numbers with points"):
        run.export("wheel", tmp_path, version="1; import os")
    named = of_digits({"use": "linear"}, tmp_path / "named")
    with pytest.raises(ExportError, match=r"received other.whl; expected named-1.0-py3-none-any.whl"):
        named.export("wheel", tmp_path / "other.whl")
    assert not list(tmp_path.glob("*.whl")) and not list(tmp_path.glob(".powertrain*"))
