"""Pictures and captions: bytes and pieces, the loss and recall@k against their formulas, folders, refusals."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vision_runs import COLOURS, PLACES, draw_boxes, go, open_data

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin import ExportError
from powertrain.plugin.testing import killed_and_resumed
from powertrain_vision import fetch
from powertrain_vision.captions import BASE, PIECES, ROWS, CaptionEncoder, decoded, encoded
from powertrain_vision.clip import place_captions
from powertrain_vision.errors import VisionError
from powertrain_vision.folder import on_white
from powertrain_vision.retrieval import recalls, said_by_pixels

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

RECIPE = """\
data           = { use = "captioned-folder", path = "boxes", context = 32, split = { valid = 0.2, test = 0.2 } }
model.model    = { use = "cnn", channels = [8, 16] }
model.captions = { use = "caption-encoder", width = 32 }
strategy       = { use = "clip", width = 16, flip = false, turn = 0, light = 0, contrast = 0, round_steps = 5 }
optimizer      = { use = "adamw", lr = 5e-3 }
run            = { until = "150 steps", batch_size = 40, evaluate = { every = "25 steps" }, save_seconds = 0 }
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = draw_boxes(tmp_path_factory.mktemp("clip"))
    go(folder, RECIPE, "run")
    return folder / "run"


def test_captions_are_their_bytes() -> None:
    y = encoded(["The DOGS!", "  a\n dog ", "Straße"], 12)
    assert y.shape == (3, 12) and bytes(y[1].astype(np.uint8)) == b" a dog \0\0\0\0\0"
    assert decoded(y) == ["The DOGS!", "a dog", "Straße"]
    assert encoded(["a" * 10], 12).shape == (1, 12)


def test_captions_that_are_empty_or_too_long_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        encoded(["a dog", " \n"], 12)
    assert str(caught.value) == (
        "[captions] caption 1 has no words; expected one or more in each caption; write what the picture shows, or "
        "leave it out"
    )
    with pytest.raises(DataError) as caught:
        encoded(["a dog", "b" * 11], 12, ["dog.txt", "b.txt"])
    assert str(caught.value) == (
        "[captions] b.txt, 'bbbbbbbbbbb', has 13 bytes with a space on both sides; expected at most 12, the context; "
        "shorten it, or raise data.context and train again"
    )


def test_a_caption_is_the_mean_of_its_pieces() -> None:
    encoder = CaptionEncoder(4, CaptionEncoder.Params(width=6))
    y = encoded(["A Red fox.", "ox"], 16)
    table, rows = encoder.pieces.weight.numpy().astype(np.float64), []
    for caption in (b" a red fox. ", b" ox "):
        pieces = [caption[at : at + size] for size in PIECES for at in range(len(caption) - size + 1)]
        numbers = [sum(letter * BASE**at for at, letter in enumerate(piece)) % ROWS for piece in pieces]
        rows.append(table[numbers].mean(axis=0))
    wanted = encoder.head(pt.relu(encoder.hidden(pt.asarray(np.array(rows, np.float32)))))
    np.testing.assert_allclose(encoder(pt.asarray(y)).numpy(), wanted.numpy(), rtol=1e-4, atol=1e-6)
    longer = np.pad(y, ((0, 0), (0, 40)))  # what fills up a caption counts for nothing
    np.testing.assert_allclose(encoder(pt.asarray(longer)).numpy(), wanted.numpy(), rtol=1e-4, atol=1e-6)
    with pytest.raises(pt.Error, match="of a regression task; expected the bytes") as caught:
        CaptionEncoder.build(CaptionEncoder.Params(), pt.plugin.Inputs("regression", (8, 8), 3))
    assert isinstance(caught.value, VisionError) and isinstance(caught.value, ValueError)


def test_recall_is_the_share_of_partners_among_the_nearest() -> None:
    draw = np.random.default_rng(0)
    scores, y = draw.normal(size=(40, 40)), encoded([f"number {row}" for row in range(40)], 16)
    found = recalls(scores, y)
    for name, table in (("caption", scores), ("picture", scores.T)):
        for k in (1, 5, 10):
            hits = [row in np.argsort(-table[row])[:k] for row in range(40)]
            assert found[f"{name}_recall@{k}"] == pytest.approx(np.mean(hits))
    assert set(recalls(np.eye(40), y).values()) == {1.0}
    chance = recalls(np.zeros((40, 40)), y)
    assert [chance[f"picture_recall@{k}"] for k in (1, 5, 10)] == pytest.approx([1 / 40, 5 / 40, 10 / 40])
    twice = y[np.arange(40) // 2]  # each caption belongs to two pictures
    assert recalls(np.zeros((40, 40)), twice)["caption_recall@1"] == pytest.approx(2 / 40)
    alike = recalls(np.eye(40)[np.arange(40) // 2 * 2], twice)  # what finds the first of two has found it
    assert alike["caption_recall@1"] == 1.0


def test_pixels_say_the_words_of_captions_that_hang_on_them() -> None:
    draw = np.random.default_rng(0)
    kinds = draw.integers(0, 3, 120)
    x = (np.eye(3)[kinds][:, :, None] + 0.1 * draw.normal(size=(120, 3, 4))).astype("f")
    y = encoded([("a dog", "one cat", "two birds")[kind] for kind in kinds], 16)
    scores = said_by_pixels(x[:60], y[:60], x[60:], y[60:])
    assert scores.shape == (60, 60) and (kinds[60:][scores.argmax(axis=1)] == kinds[60:]).all()
    unknown = said_by_pixels(x[:60], y[:60], x[60:], encoded(["fish"] * 60, 16))
    assert (unknown == 0).all()
    assert (said_by_pixels(x[:3], encoded(["?"] * 3, 16), x[3:5], y[3:5]) == np.zeros((2, 2))).all()


def test_the_loss_is_the_formula_and_padding_is_no_answer(trained: Path) -> None:
    run = pt.load(trained).run
    strategy: Any = run.strategy
    x = np.random.default_rng(0).random((6, 32, 32, 3)).astype("f")
    y = encoded(["a", "b", "c", "d", "e", "f"], 32)
    weight = np.array([1, 1, 0.5, 1, 0, 0], "f")
    found = run.compute(strategy.losses, x=x, y=y, weight=weight)[:4]
    places = [run.compute(one, x=x, y=y).astype(np.float64)[:4] for one in (strategy.predict, strategy.placed)]
    scores = places[0] @ places[1].T / 0.1
    wanted = [np.log(np.exp(table).sum(axis=1)) - np.diag(table) for table in (scores, scores.T)]
    np.testing.assert_allclose(found, np.mean(wanted, axis=0), rtol=1e-3)


def test_what_belongs_together_is_found(trained: Path) -> None:
    results, run = pt.load(trained).results, open_data(trained)
    simple = {(one.name, one.metric): one.value for one in run.strategy.simple(run.dataset, "test")}
    for name in ("caption", "picture"):
        assert results["test"][f"{name}_recall@1"] > 0.6
        assert simple["dummy", f"{name}_recall@1"] < 0.15 < simple["linear", f"{name}_recall@1"]


def test_the_report_shows_the_nearest_captions(trained: Path) -> None:
    run = open_data(trained)
    recall, page, both = run.strategy.sections(run)
    reached = pt.load(trained).results["test"]
    assert recall.rows[0] == (
        "", "this run", "the pairs in any order", "ridge regression from the pixels to the words of the caption"
    )  # fmt: skip
    assert {row[0]: row[1] for row in recall.rows[1:]} == {
        name: f"{value:.3f}" for name, value in reached.items() if "recall" in name
    }
    assert page.rows[0][:3] == ("picture", "its caption", "nearest") and len(page.rows) == 9
    right = sum(row[1] in row[2:] for row in page.rows[1:])
    assert right >= 5 and page.png() is not None
    assert both.title == "Map of what was learned" and "pictures and their captions" in both.lines[0] and both.png()
    text = (trained / "report.html").read_text(encoding="utf-8")
    assert "Nearest captions" in text and page.rows[1][1] in text


def test_captions_are_placed_beside_pictures(trained: Path) -> None:
    run: Any = pt.load(trained)
    said = [f"A {colour} box, {place}." for colour in COLOURS for place in PLACES]
    places = place_captions(run, said)
    assert places.shape == (20, 16)
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 1, rtol=1e-5)
    pictures = run.predict(trained.parent / "boxes" / "0").outputs  # in the order of their names
    names = sorted(path.stem for path in (trained.parent / "boxes" / "0").glob("*.png"))
    wanted = [said.index(f"A {name.partition('-')[0]} box, {name.partition('-')[2]}.") for name in names]
    assert ((pictures @ places.T).argmax(axis=1) == wanted).mean() > 0.6
    with pytest.raises(DataError, match="has 42 bytes with a space on both sides; expected at most 32, the context"):
        place_captions(run, ["x" * 40])


def test_only_a_run_of_clip_places_captions(tmp_path: Path) -> None:
    run = pt.fit("digits", folder=tmp_path / "digits", verbose=False, run={"until": "1 step"})
    with pytest.raises(VisionError, match="a run of Supervised; expected one of clip"):
        place_captions(run, ["a dog"])


def test_killed_and_resumed_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    draw_boxes(tmp_path)
    killed_and_resumed(RECIPE.replace("150 steps", "50 steps"), tmp_path, after="step 25/")


def test_a_finished_run_takes_every_verb(trained: Path, tmp_path: Path) -> None:
    """Without its pictures too, and in another form."""
    Image.new("RGBA", (90, 60), (255, 0, 0, 128)).save(tmp_path / "half.png")
    run = pt.load(trained)
    outputs = run.predict(tmp_path / "half.png").outputs
    assert outputs.shape == (1, 16)
    with Image.open(tmp_path / "half.png") as opened:
        x = on_white(opened, (32, 32))[None] / np.float32(255)
    np.testing.assert_allclose(run.predict(x).outputs, outputs, rtol=1e-4, atol=1e-6)
    for to in ("c", "wheel"):
        assert run.export(to, tmp_path).path.exists()
    with pytest.raises(ExportError, match="does not predict with one module"):
        run.export("safetensors", tmp_path)
    assert run.quantize(8, folder=tmp_path / "small").metric == "caption_recall@10"
    assert run.report().is_file()


def test_folders_without_captions_are_refused(tmp_path: Path) -> None:
    def refused(*settings: str) -> str:
        with pytest.raises(DataError) as caught:
            go(tmp_path, RECIPE, "refused", *settings)
        assert not (tmp_path / "refused").exists()
        return str(caught.value)

    assert refused() == (
        f"[captioned-folder] no picture below {tmp_path / 'boxes'}; expected some, each beside its .txt; check "
        "data.path"
    )
    draw_boxes(tmp_path, 1)
    text = tmp_path / "boxes/0/red-left.txt"
    text.unlink()
    assert refused() == (
        f"[captioned-folder] no red-left.txt beside {text.with_suffix('.png')}; expected the caption of each picture "
        "in a file of its name; write it, or take the picture out of the folder"
    )
    text.write_text("\n")
    assert refused().startswith("[captions] red-left.txt has no words; expected one or more in each caption")
    text.write_text("A red box with a very long caption.")
    assert refused().startswith("[captions] red-left.txt, 'A red box with a very long caption.', has 37 bytes")
    text.write_bytes(b"A r\xffd box.")
    assert "is not UTF-8" in refused()


def test_without_a_path_it_is_the_stamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_boxes(tmp_path, 2)
    monkeypatch.delenv("POWERTRAIN_DATA", raising=False)
    text = RECIPE.replace('path = "boxes", ', "")
    with pytest.raises(DataError) as caught:
        go(tmp_path, text, "refused")
    assert str(caught.value) == (
        "[captioned-folder] POWERTRAIN_DATA is not set, and no path; expected the data set in one of them; get them "
        "with `python -m powertrain_vision.fetch FOLDER` and POWERTRAIN_DATA=FOLDER, or set data.path"
    )
    monkeypatch.setenv("POWERTRAIN_DATA", str(tmp_path))
    with pytest.raises(DataError, match="/stamps; expected the data set in one of them"):
        go(tmp_path, text, "refused")
    (tmp_path / "boxes").rename(tmp_path / "stamps")
    assert go(tmp_path, text, "run", "run.until=2 steps", "run.batch_size=8")["test"]["loss"] > 0


def test_it_wants_captions(tmp_path: Path) -> None:
    text = RECIPE.replace('use = "captioned-folder", path = "boxes", context = 32', 'use = "digits"')
    with pytest.raises(pt.Error, match="captions"):
        go(tmp_path, text, "refused")
    assert not (tmp_path / "refused").exists()


def test_what_is_transparent_or_left_free_is_white() -> None:
    made = on_white(Image.new("RGBA", (128, 64), (0, 0, 0, 0)), (64, 64))
    assert made.shape == (64, 64, 3) and (made == 255).all()
    made = on_white(Image.new("RGB", (128, 64), (10, 20, 30)), (64, 64))
    assert (made[16:48] == (10, 20, 30)).all() and (made[:16] == 255).all() and (made[48:] == 255).all()
    assert on_white(Image.new("RGB", (3, 500), (10, 20, 30)), (8, 16)).shape == (8, 16, 3)


def test_stamps_are_those_with_a_caption_in_english(tmp_path: Path) -> None:
    held = io.BytesIO()
    Image.new("RGBA", (90, 60), (255, 0, 0, 255)).save(held, "PNG")
    texts = {"b.txt": "A  red box.\nes.utf8=Una caja.\n", "c.txt": "\n"}
    files = {"a.png": held.getvalue(), "b.png": held.getvalue(), "c.png": held.getvalue(), "d.ogg": b""}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in {**files, **{name: text.encode() for name, text in texts.items()}}.items():
            member = tarfile.TarInfo(f"./{fetch.ROOT}food/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    fetch.shrink(fetch.unpacked(packed.getvalue()), tmp_path)
    assert sorted(path.name for path in (tmp_path / "food").iterdir()) == ["b.png", "b.txt"]
    assert (tmp_path / "food/b.txt").read_text() == "A red box.\n"
    with Image.open(tmp_path / "food/b.png") as opened:
        assert opened.size == (64, 64)
