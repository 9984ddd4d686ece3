"""Pictures of a folder that are decoded once: `cache` of image-folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.conformance.data import check_data
from powertrain.conformance.finding import Subject
from powertrain.data import DataError
from powertrain.recipe import load_recipe
from powertrain.train.planning import rehearsal
from powertrain.train.planning.plan import plan
from powertrain_vision.changes import RandomCrop, RandomFlip
from powertrain_vision.folder import ImageFolder
from same_batches import digest_of_training

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
PICTURE = 16 * 12 * 3 + 8  # bytes, with its class number


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 5)):
        for label in ("blue", "red"):
            (tmp_path / part / label).mkdir(parents=True)
            for number in range(count):
                size = (16, 12, 3) if number % 2 else (20 + number, 30 - number, 3)
                path = tmp_path / part / label / f"{number:02}.{('png', 'png', 'jpg')[number % 3]}"
                Image.fromarray(draw.integers(0, 256, size, np.uint8)).save(path)
    return tmp_path


def load(path: Path, **params: Any) -> Any:
    return ImageFolder.build(ImageFolder.Params(path=path, height=16, width=12, **params), Path())


def digest(data: Any, workers: int) -> str:
    return digest_of_training(data.train, [RandomCrop, RandomFlip], 7, 3, workers)


@pytest.mark.parametrize("scale", [True, False])
def test_batches_are_the_same_with_a_cache(pictures: Path, scale: bool) -> None:
    want = digest(load(pictures, scale=scale), 0)
    for bound in (0, 1, 17 * PICTURE, 1e9):
        for workers in (0, 1, 2, 8):
            assert digest(load(pictures, scale=scale, keep=False, cache=bound), workers) == want


def test_what_is_held_is_not_read_again(pictures: Path) -> None:
    data = load(pictures, keep=False, cache=1e9)
    before = data.train.fetch(np.arange(40))["x"]
    for path in (pictures / "train").rglob("*.*"):
        path.unlink()
    assert np.array_equal(data.train.fetch(np.arange(40))["x"], before)


def test_what_has_no_room_is_read_again(pictures: Path) -> None:
    data = load(pictures, keep=False, cache=25 * PICTURE)
    data.train.fetch(np.arange(40))
    (pictures / "train" / "blue" / "00.png").unlink()
    (pictures / "train" / "red" / "19.png").unlink()
    assert len(data.train.fetch(np.arange(20))["x"]) == 20, "those that came first are held"
    with pytest.raises(DataError, match=r"19\.png: No such file"):
        data.train.fetch(np.array([39]))


def test_the_bound_is_of_all_parts_together(pictures: Path) -> None:
    data = load(pictures, keep=False, cache=25 * PICTURE)
    held = []
    for source in data.splits.values():
        source.fetch(np.arange(len(source)))
        held.append(source.source.held_bytes)
    assert held == [20 * PICTURE, 5 * PICTURE]
    assert data.train.example_names(np.array([0])) == ["train/blue/00.png"]


def test_a_cache_keeps_what_a_data_set_promises(pictures: Path) -> None:
    params = ImageFolder.Params(path=pictures, height=16, width=12, keep=False, cache=1e9)
    assert [one.line() for one in check_data(Subject("data", "image-folder", ImageFolder, params, "here"))] == []


def test_a_cache_beside_keep_is_refused(pictures: Path) -> None:
    with pytest.raises(DataError) as caught:
        load(pictures, cache=2e9)
    assert str(caught.value) == (
        "[image-folder] keep = true and cache = 2e+09; expected one of them: keep holds all pictures; for a bound, "
        "write keep = false"
    )


def test_a_plan_counts_the_cache(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("LEAST_SECONDS", "MOST_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(rehearsal, limit, 0.2)
    path = tmp_path / "cached.toml"
    path.write_text(f"""
data      = {{ use = "image-folder", path = "{pictures}", height = 16, width = 12, keep = false, cache = 1e9 }}
features  = ["flatten"]
model     = {{ use = "mlp", hidden = [4] }}
loss      = "cross-entropy"
optimizer = {{ use = "sgd", lr = 0.01 }}
strategy  = "supervised"
run       = {{ seed = 1, until = "2 epochs", batch_size = 8 }}
""")
    assert plan(load_recipe(str(path))).memory["cache"] == 50 * PICTURE
