"""A trained run predicts where its data is gone or has changed; what needs the data says so."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import leaving
import powertrain as pt
from powertrain.train.evaluate.review import open_run
from powertrain.train.folder.run_folder import RunError
from running import command, environment, run
from your_data import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "your-data.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"```toml\n# (\w+)\.toml\n(.*?)```", PAGE, re.DOTALL))
# A file that each kind of run is asked about, among those that it was trained on.
ASKED = {"pictures": "pictures/3", "customers": "asked.csv", "sounds": "sounds/low", "book": "asked.txt"}


def trained(name: str, make: Callable[[Path], float], folder: Path) -> Path:
    """A short run of the page's recipe, on data beside it."""
    make(folder)
    (folder / f"{name}.toml").write_text(RECIPES[name], encoding="utf-8")
    until = "20 steps" if name == "book" else "1 epochs"
    run(["train", f"{name}.toml", "--run", "run", "--set", f"run.until={until}"], folder)
    return folder / "run"


def ask(path: Path, file: Path, folder: Path) -> str:
    if file.suffix == ".txt":
        return run(["generate", str(path), file.read_text(encoding="utf-8"), "--max-new-tokens", "40"], folder).stdout
    return run(["predict", str(path), str(file)], folder).stdout


@pytest.mark.parametrize("name", ["pictures", "customers", "sounds", "book"])
def test_a_run_that_was_moved_predicts_without_its_data(name: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    path = trained(name, KINDS[name], here)
    if name == "customers":
        lines = (here / "customers.csv").read_text().splitlines()
        (here / "asked.csv").write_text("\n".join(lines[:20]))
    if name == "book":
        (here / "asked.txt").write_text("The engine ")
    before = ask(path, here / ASKED[name], here)
    opened = pt.load(path)
    assert opened.evaluate().keys() == {"train", "valid", *(["test"] if name != "book" else [])}
    shutil.move(path, there / "run")
    shutil.move(here / ASKED[name], there / "asked")
    asked = there / "asked"
    if asked.is_file():
        asked = asked.rename(asked.with_suffix(Path(ASKED[name]).suffix))
    shutil.rmtree(here)
    after = ask(there / "run", asked, there)
    if name in ("pictures", "sounds"):  # whose lines begin with the path of the file
        before, after = ("\n".join(line.split(maxsplit=1)[1] for line in said.splitlines()) for said in (before, after))
    assert after == before
    if name == "book":
        piped = subprocess.run(
            command(["generate", "run", "-", "--max-new-tokens", "40"]), cwd=there, env=environment(), check=True,
            capture_output=True, input=asked.read_bytes(),
        )  # fmt: skip
        assert piped.stdout.decode() == before
    assert "Traceback" not in run(["evaluate", "run"], there, expect=2).stderr


TREES = """
data  = { use = "table", path = "customers.csv", target = "left", encode = { scale = false }, split = { test = 0.2 } }
model = { use = "lightgbm", trees = 10 }
run   = { until = "1 round" }
"""
GROUPS = """
data     = { use = "arrays", path = "rows.npz", split = { test = 0.2 } }
strategy = { use = "k-means", clusters = 3 }
run      = { until = "3 rounds", batch_size = 32 }
"""


def smoke(name: str, folder: Path) -> Path:
    """A run of that kind in `folder`, and what it is asked about in the folder `asked`."""
    asked = folder / "asked"
    asked.mkdir()
    if name == "groups":
        x, y = rows()
        np.savez(folder / "rows.npz", x=x, y=y)
        np.save(asked / "some.npy", x[:7])
        (folder / "groups.toml").write_text(GROUPS, encoding="utf-8")
        run(["train", "groups.toml", "--run", "run"], folder)
        return folder / "run"
    if name == "trees":
        pytest.importorskip("lightgbm", reason="LightGBM is an extra")
        KINDS["customers"](folder)
        (folder / "trees.toml").write_text(TREES, encoding="utf-8")
        run(["train", "trees.toml", "--run", "run"], folder)
    else:
        trained(name, KINDS[name], folder)
    if name in ("trees", "customers"):
        lines = (folder / "customers.csv").read_text().splitlines()
        (asked / "some.csv").write_text("\n".join(lines[:20]))
    else:
        for path in sorted((folder / ASKED[name]).iterdir())[:5]:
            shutil.copy(path, asked)
    return folder / "run"


@pytest.mark.parametrize("name", ["pictures", "customers", "sounds", "trees", "groups"])
def test_every_form_of_the_answers_without_the_data(name: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    path = smoke(name, here)
    before = pt.load(path).predict(sorted((here / "asked").iterdir())[0])
    shutil.move(path, there / "run")
    shutil.move(here / "asked", there / "asked")
    shutil.rmtree(here)
    opened, files = pt.load(there / "run"), sorted((there / "asked").iterdir())
    first = opened.predict(files[0])
    np.testing.assert_array_equal(first, before)
    # The command: a file, a folder, standard input, files of answers.
    lines = [json.loads(line) for line in run(["predict", "run", str(files[0]), "--json"], there).stdout.splitlines()]
    assert lines == list(first) and len(lines) == len(first)
    piped = subprocess.run(
        command(["predict", "run", "-", "--json"]), cwd=there, env=environment(), check=True, capture_output=True,
        input=files[0].read_bytes(),
    )  # fmt: skip
    answers = [json.loads(line) for line in piped.stdout.decode().splitlines()]
    assert [list(one.values())[1:] for one in answers] == [list(one.values())[1:] for one in lines]
    run(["predict", "run", str(files[0]), "--out", "answers.csv"], there)
    assert (there / "answers.csv").read_text().count("\n") == len(first) + 1
    if name in ("pictures", "sounds"):
        whole = opened.predict(there / "asked")
        assert whole.names == tuple(map(str, files)) and whole[0] == first[0]
        said = run(["predict", "run", "asked"], there).stdout.splitlines()
        assert [line.split()[0] for line in said] == [str(file.relative_to(there)) for file in files]
    for form in in_memory(name, files[0]):
        np.testing.assert_allclose(opened.predict(form).outputs[:1], first.outputs[:1], rtol=1e-5, atol=1e-6)


# How each kind is explained, and what it is exported to, in the words of docs/exports.md.
LEAVES = {
    "pictures": "gradients | yes | yes | yes | yes",
    "customers": "gradients | yes | yes | yes | yes",
    "sounds": "gradients | transform | without transforms | transform | yes",
    "book": "attention | yes | yes | yes | yes",
    "trees": "occlusion | NumPy | no module | NumPy | yes",
    "groups": "gradients | yes | no module | yes | yes",
}


@pytest.mark.slow
@pytest.mark.peers
@pytest.mark.parametrize("name", LEAVES)
def test_each_kind_of_run_leaves_home(name: str, tmp_path: Path) -> None:
    for needed in ("torch", "onnxruntime", "powertrain_onnx"):
        pytest.importorskip(needed, reason=f"{needed} reads what was exported")
    here = tmp_path / "here"
    here.mkdir()
    path = trained(name, KINDS[name], here) if name == "book" else smoke(name, here)
    home = open_run(path, data=True)
    x = leaving.asked(home.run)
    found = leaving.moved(path, tmp_path / "there", x, np.asarray(home.predict(x, checked=True).outputs))
    assert leaving.row(name, found) == f"| `{name}` | {LEAVES[name]} |"


def in_memory(name: str, file: Path) -> list[Any]:
    """What a file holds, as people have it in Python."""
    if name == "pictures":
        image = pytest.importorskip("PIL.Image", reason="Pillow is an extra")
        picture = image.open(file)
        pixels = np.asarray(picture)
        return [[picture], picture, [pixels], [pixels, np.zeros((5, 9, 3), np.uint8)], np.stack([pixels] * 2)]
    if name == "sounds":
        soundfile = pytest.importorskip("soundfile", reason="soundfile is an extra")
        return [[soundfile.read(file, dtype="float32")[0]]]
    if name in ("customers", "trees"):
        pandas = pytest.importorskip("pandas", reason="pandas is an extra")
        frame = pandas.read_csv(file)
        return [frame, frame.to_dict("list")]
    return [np.load(file), np.load(file)[0], pt.tensor(np.load(file))]


def rows(count: int = 60, seed: int = 0) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64)


def recipe_of(folder: Path, seed: int = 0, count: int = 60) -> Path:
    x, y = rows(count, seed)
    np.savez(folder / "rows.npz", x=x, y=y)
    text = """
data      = { use = "arrays", path = "rows.npz", split = { valid = 0.2, test = 0.2 } }
features  = ["standardize"]
model     = { use = "mlp", hidden = [8] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "2 epochs", batch_size = 16 }
"""
    (folder / "rows.toml").write_text(text, encoding="utf-8")
    return folder / "rows.toml"


@pytest.mark.parametrize(
    ("seed", "count", "words"),
    [
        (1, 60, "train has other examples"),
        (0, 61, "train had 36 examples, has 37"),
    ],
)
def test_data_that_changed_is_said_before_anything_is_drawn_anew(
    seed: int, count: int, words: str, tmp_path: Path
) -> None:
    recipe = recipe_of(tmp_path)
    trained = pt.fit(recipe, folder=tmp_path / "run", verbose=False)
    x = rows(5, 9)[0]
    before = trained.predict(x).outputs
    recipe_of(tmp_path, seed, count)
    opened = pt.load(tmp_path / "run")
    assert (opened.predict(x).outputs == before).all()
    for call in (opened.evaluate, lambda: opened.evaluate("test")):
        with pytest.raises(RunError, match=words):
            call()
    with pytest.raises(RunError, match=words):
        pt.fit(recipe, folder=tmp_path / "run", resume=True, verbose=False)
    assert words in run(["train", str(recipe), "--run", "run", "--resume"], tmp_path, expect=2).stderr
    # Data of one's own are measured, whatever became of the run's.
    assert opened.evaluate(rows(40, 5)) == trained.evaluate(rows(40, 5))


def test_the_same_data_is_measured_with_the_weights_that_the_model_has(tmp_path: Path) -> None:
    trained = pt.fit(recipe_of(tmp_path), folder=tmp_path / "run", verbose=False)
    opened = pt.load(tmp_path / "run")
    assert opened.evaluate() == trained.evaluate()
    for slot in opened.model.parameters():
        slot.value = pt.zeros(slot.shape)
    assert opened.evaluate("test")["loss"] == pytest.approx(np.log(2))


def test_features_of_a_run_of_objects_need_no_data(tmp_path: Path) -> None:
    x, y = rows()
    model = pt.nn.Linear(4, 2)
    trained = pt.fit(
        model=model, data=(x, y), features=["standardize"], epochs=1, folder=tmp_path / "run", verbose=False
    )
    opened = pt.load(tmp_path / "run", model=pt.nn.Linear(4, 2))
    assert (opened.predict(x).outputs == trained.predict(x).outputs).all()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data", None),
        ("data", {}),
        ("fields", {"x": "float32[1000000000, 1000000000]", "y": "int64[]"}),
        ("fields", {"x": "object[4]", "y": "int64[]"}),
        ("fields", {"x": "float32[-4]", "y": "int64[]"}),
        ("fields", {"y": "int64[]"}),
        ("state", ["encoder"]),
        ("examples", 0),
    ],
)
def test_a_damaged_record_is_an_error(key: str, value: Any, tmp_path: Path) -> None:
    pt.fit(recipe_of(tmp_path), folder=tmp_path / "run", verbose=False)
    file = tmp_path / "run" / "run.json"
    about = json.loads(file.read_text())
    place = about if key == "data" else about["data"] if key == "state" else about["data"]["parts"]["train"]
    place[key] = value
    file.write_text(json.dumps(about))
    with pytest.raises(pt.Error, match=r"^\[.*; expected .*"):
        pt.load(tmp_path / "run").predict(rows()[0])
