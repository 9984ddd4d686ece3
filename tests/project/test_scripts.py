"""examples/: each script runs in a reduced form and learns; each notebook runs from top to bottom."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))
NOTEBOOKS = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))


def run(script: str, *words: object, folder: Path) -> str:
    command = [sys.executable, str(EXAMPLES / script), *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def last(pattern: str, said: str) -> float:
    return float(re.findall(pattern, said)[-1])


def test_the_list_has_every_script() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([\w/]+\.(?:py|ipynb))`", readme, re.MULTILINE)
    assert sorted(named) == sorted([*SCRIPTS, *(f"notebooks/{path.name}" for path in NOTEBOOKS)])
    for script in SCRIPTS:
        lines = (EXAMPLES / script).read_text(encoding="utf-8").count("\n")
        assert 50 <= lines <= 150, (script, lines)


def stream(path: Path, seed: int = 0) -> None:
    """Rows in the order of time: from the middle on, one input moves and decides the other way round."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(4800, 3))
    turned = np.arange(4800) >= 2400
    x[turned, 1] += 1.5
    up = np.where(turned, x[:, 0] - x[:, 1] + 1.5, x[:, 0] + x[:, 1]) > 0
    lines = (f"{a:.4f},{b:.4f},{c:.4f},{'up' if one else 'down'}" for (a, b, c), one in zip(x, up, strict=True))
    path.write_text("a,b,c,way\n" + "\n".join(lines))


@pytest.mark.slow
def test_active_learning(tmp_path: Path) -> None:
    said = run("active_learning.py", "--seeds", 3, "--rounds", 4, folder=tmp_path)
    scores = {
        line.split()[0]: [float(one) for one in re.findall(r"([\d.]+) ±", line)] for line in said.splitlines()[1:]
    }
    assert list(scores) == ["random", "margin", "least_confidence", "entropy"]
    assert scores["margin"][-1] > scores["random"][-1] + 0.005 and scores["margin"][0] == scores["random"][0]


@pytest.mark.slow
def test_watch_and_retrain(tmp_path: Path) -> None:
    stream(tmp_path / "stream.csv")
    words = ("stream.csv", "--target", "way", "--first", 1200, "--block", 200, "--window", 400, "--recent", 800)
    said = run("watch_and_retrain.py", *words, "--epochs", 12, folder=tmp_path)
    assert re.search(r"row +2[46]00 .* alarm drift: .*x1", said) and re.search(r"alarm error: 1 \(accuracy\)", said)
    assert "promoted: rule better" in said and last(r"champions: (\d+)", said) >= 2
    assert last(r"watched model ([\d.]+)", said) < last(r"first one ([\d.]+)", said) - 0.1
    ledger = [json.loads(line) for line in (tmp_path / "models" / "ledger.jsonl").read_text().splitlines()]
    assert [line["event"] for line in ledger[:2]] == ["register", "alias"]


@pytest.mark.long
def test_watch_and_retrain_on_electricity(tmp_path: Path) -> None:
    """Elec2: python -m powertrain_tabular.fetch FOLDER brings it."""
    path = Path(os.environ.get("POWERTRAIN_DATA", "")) / "electricity" / "elec.csv"
    if not path.is_file():
        pytest.skip("elec.csv is not here: python -m powertrain_tabular.fetch FOLDER, and POWERTRAIN_DATA=FOLDER")
    said = run("watch_and_retrain.py", path, "--target", "target", "--most", 26_000, folder=tmp_path)
    assert last(r"champions: (\d+)", said) >= 3
    assert last(r"watched model ([\d.]+)", said) < last(r"first one ([\d.]+)", said) - 0.02


@pytest.mark.slow
def test_image_folder(tmp_path: Path) -> None:
    """Bars that lie and bars that stand."""
    image = pytest.importorskip("PIL.Image", reason="Pillow reads pictures")
    rng = np.random.default_rng(0)
    for kind in ("lying", "standing"):
        (tmp_path / "pictures" / kind).mkdir(parents=True)
        for number in range(40):
            pixels = rng.integers(0, 80, (20, 20, 3)).astype("uint8")
            at = rng.integers(4, 16)
            pixels[(at, slice(2, 18)) if kind == "lying" else (slice(2, 18), at)] = 255
            image.fromarray(pixels).save(tmp_path / "pictures" / kind / f"{number}.png")
    said = run("image_folder.py", "pictures", "--size", 16, "--epochs", 8, "--batch-size", 16, folder=tmp_path)
    assert last(r"best valid accuracy ([\d.]+)", said) > 0.8
    assert re.search(r"standing +found \d+ of \d+", said) and (tmp_path / "pictures.safetensors").exists()


@pytest.mark.slow
def test_table(tmp_path: Path) -> None:
    rng, lines = np.random.default_rng(0), ["id,age,plan,left"]
    for number in range(600):
        age, plan = rng.integers(18, 80), rng.choice(["basic", "plus"])
        left = (age > 50) != (plan == "plus")
        lines.append(f"{number},{age if rng.random() > 0.05 else ''},{plan},{'yes' if left else 'no'}")
    (tmp_path / "customers.csv").write_text("\n".join(lines), encoding="utf-8")
    said = run("table.py", "customers.csv", "--target", "left", "--drop", "id", "--epochs", 30, folder=tmp_path)
    assert "600 rows, 4 columns of numbers, classes: no, yes" in said
    linear, network = last(r"a linear model: ([\d.]+)", said), last(r"balanced.accuracy ([\d.]+)", said)
    assert network > 0.85 and network > linear


@pytest.mark.slow
def test_characters(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("The cat sat on the mat. The dog lay on the log.\n" * 200, encoding="utf-8")
    words = ("--steps", 100, "--context", 32, "--width", 32, "--layers", 1)
    said = run("characters.py", "book.txt", *words, folder=tmp_path)
    assert last(r"valid loss ([\d.]+)", said) < 1.0  # 2.7 for letters one by one
    assert "\nThe " in said


@pytest.mark.slow
def test_sequences(tmp_path: Path) -> None:
    said = run("sequences.py", "--count", 400, "--longest", 40, "--epochs", 12, folder=tmp_path)
    assert last(r"test accuracy ([\d.]+)", said) > 0.6


@pytest.mark.slow
def test_autoencoder(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="its digits")
    said = run("autoencoder.py", "--epochs", 25, folder=tmp_path)
    assert last(r"area under the curve ([\d.]+)", said) > 0.8


@pytest.mark.slow
def test_transfer(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="its digits")
    said = run("transfer.py", "--per-class", 2, "--size", 14, "--epochs", 40, folder=tmp_path)
    scratch, whole = last(r"from scratch: ([\d.]+)", said), last(r"then all layers, slowly: ([\d.]+)", said)
    assert whole > scratch + 0.05


@pytest.mark.slow
def test_bandit(tmp_path: Path) -> None:
    said = run("bandit.py", "--rounds", 400, folder=tmp_path)
    random, learned, possible = map(float, re.findall(r"[\d.]+", said.splitlines()[-1]))
    assert random < (random + possible) / 2 < learned <= possible


@pytest.mark.slow
def test_a_killed_script_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="its digits")
    words = ("--epochs", 6, "--save-every", 5)
    whole = run("resume.py", "--out", "whole", *words, folder=tmp_path)
    command = [sys.executable, str(EXAMPLES / "resume.py"), "--out", "parts", *map(str, words)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 2:"):
            break
    process.kill()
    process.communicate()
    rest = run("resume.py", "--out", "parts", *words, folder=tmp_path)
    assert "goes on at step" in rest and rest.splitlines()[-1] == whole.splitlines()[-1]
    for name in ("checkpoint.safetensors", "best.safetensors", "log.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_outputs(path: Path) -> None:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None, cell["source"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    """In a process of its own, as Jupyter does."""
    pytest.importorskip("nbclient", reason="runs notebooks; of the extra test")
    pytest.importorskip("ipykernel", reason="runs notebooks; of the extra test")
    if path.stem == "first_model":
        pytest.importorskip("sklearn", reason="its digits")
    code = (
        "import nbformat, nbclient, sys\n"
        "nbclient.NotebookClient(nbformat.read(sys.argv[1], 4), timeout=240).execute()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
