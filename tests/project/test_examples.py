"""examples/from_pytorch: the port runs, resumes to the same bits, reads PyTorch's weights, and is not longer."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "from_pytorch"
# One step of 16 pictures takes a few milliseconds; the second epoch has the cosine behind the warm-up.
SMALL = ("--epochs", "3", "--batch-size", "16", "--warmup", "3", "--threads", "1")


def started(script: str, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(FOLDER / script), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)


def run(script: str, *words: object) -> str:
    process = started(script, *words)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


def epochs(said: str) -> list[int]:
    return [int(number) for number in re.findall(r"^epoch (\d+): loss \d", said, re.MULTILINE)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    run("data.py", path, "--train", 80, "--test", 40)
    with np.load(path) as arrays:
        assert arrays["x_train"].shape == (80, 8, 8) and arrays["x_train"].max() == 255
        assert arrays["y_test"].shape == (40,) and arrays["y_test"].max() == 9
    return path


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    assert epochs(run("train.py", "--data", data, "--out", out, *SMALL)) == [1, 2, 3]
    return out


def test_a_killed_run_goes_on_to_the_same_bits(data: Path, trained: Path, tmp_path: Path) -> None:
    words = ("--data", data, "--out", tmp_path, *SMALL)
    process = started("train.py", *words)
    checkpoint, until = tmp_path / "checkpoint.safetensors", time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < until:
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert checkpoint.exists()
    assert epochs(run("train.py", *words, "--resume"))[-1:] in ([3], [])  # nothing, if the kill came late
    for name in ("checkpoint.safetensors", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes(), name


def test_a_run_that_is_done_does_nothing_more(data: Path, trained: Path) -> None:
    before = (trained / "model.safetensors").read_bytes()
    assert epochs(run("train.py", "--data", data, "--out", trained, *SMALL, "--resume")) == []
    assert (trained / "model.safetensors").read_bytes() == before


def test_threads_change_no_bit_and_weights_go_on(data: Path, trained: Path, tmp_path: Path) -> None:
    run("train.py", "--data", data, "--out", tmp_path / "two", *SMALL[:-1], 2)
    model = trained / "model.safetensors"
    assert (tmp_path / "two" / model.name).read_bytes() == model.read_bytes()
    run("train.py", "--data", data, "--out", tmp_path / "on", *SMALL, "--weights", model)
    assert (tmp_path / "on" / model.name).read_bytes() != model.read_bytes()


@pytest.mark.peers
def test_both_scripts_read_the_weights_of_the_other(data: Path, trained: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the script that was ported is PyTorch's")
    from safetensors.numpy import load_file

    said = run("train_torch.py", "--data", data, "--out", tmp_path / "torch", *SMALL)
    assert epochs(said) == [1, 2, 3]
    assert epochs(run("train_torch.py", "--data", data, "--out", tmp_path / "torch", *SMALL, "--resume")) == []
    theirs, ours = tmp_path / "torch" / "model.safetensors", trained / "model.safetensors"
    for script, weights in (("train.py", theirs), ("train_torch.py", ours)):
        words = ("--data", data, "--out", tmp_path / script, *SMALL, "--weights", weights)
        assert epochs(run(script, *words)) == [1, 2, 3]

    port, original = (runpy.run_path(str(FOLDER / script)) for script in ("train.py", "train_torch.py"))
    images = np.stack([np.asarray(port["Pictures"](data, "test")[at][0]) for at in range(40)])
    for weights in (theirs, ours):
        net, twin = port["Net"](), original["Net"]()
        net.load_state_dict(load_file(weights), layout="torch")
        twin.load_state_dict({name: torch.from_numpy(array) for name, array in load_file(weights).items()})
        with torch.no_grad():
            wanted = twin.eval()(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
        made = net.eval()(images).numpy()
        assert np.abs(made - wanted).max() <= 64 * np.finfo(np.float32).eps * np.abs(wanted).max()


def lines_of(script: str) -> int:
    """Lines with code, or with words of a docstring."""
    return sum(1 for line in (FOLDER / script).read_text(encoding="utf-8").splitlines() if line.split("#")[0].strip())


def test_the_port_is_not_longer() -> None:
    assert lines_of("train.py") <= lines_of("train_torch.py")
