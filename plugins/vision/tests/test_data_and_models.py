"""Picture folders, MNIST-1D, the models, and the whole distribution through the command."""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.conformance.data import check_data
from powertrain.conformance.finding import Subject
from powertrain.data import DataError
from powertrain.plugin import Inputs
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_vision.changes import ColourJitter, RandomCrop, RandomFlip
from powertrain_vision.folder import ImageFolder, read_picture, taken_picture
from powertrain_vision.mnist1d import make
from powertrain_vision.models import ResNet
from powertrain_vision.sequences import ResidualMLP, SequenceCNN, SequenceGRU
from same_batches import digest_of_training

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
ImageOps = pytest.importorskip("PIL.ImageOps", reason="Pillow is not installed")
COLOURS = {"blue": (20, 40, 220), "red": (220, 30, 30)}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Noisy red and blue pictures of several sizes and kinds."""
    draw = np.random.default_rng(0)
    for label, colour in COLOURS.items():
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(12):
            size = (20 + number, 30 - number, 3)
            pixels = np.clip(np.array(colour) + draw.integers(-20, 20, size), 0, 255).astype(np.uint8)
            kind = ("png", "jpg", "bmp")[number % 3]
            Image.fromarray(pixels).save(tmp_path / "pictures" / label / f"{number:02}.{kind}")
    return tmp_path / "pictures"


def load(path: Path, **params: Any) -> Any:
    return ImageFolder.build(ImageFolder.Params(path=path, height=16, width=12, **params), Path())


def test_a_folder_is_a_data_set_with_its_folders_as_classes(pictures: Path) -> None:
    data = load(pictures)
    assert data.labels == ("blue", "red") and data.inputs().shape == (16, 12, 3) and len(data.train) == 24
    fields = data.train.fetch(np.array([0, 23]))
    assert fields["y"].tolist() == [0, 1] and fields["x"].dtype == np.float32
    assert fields["x"][0].mean(axis=(0, 1)).argmax() == 2 and fields["x"][1].mean(axis=(0, 1)).argmax() == 0
    lazy = load(pictures, keep=False)
    assert (lazy.train.fetch(np.arange(24))["x"] == data.train.fetch(np.arange(24))["x"]).all()
    assert load(pictures, colour=False).inputs().shape == (16, 12)
    ((names, x),) = data.read(pt.data.InputFile(pictures / "red" / "11.bmp"), 10)
    assert (x == data.train.fetch(np.array([23]))["x"]).all() and names[0].endswith("11.bmp")
    assert len(list(data.read(pt.data.InputFile(pictures / "red"), 10))) == 12


@pytest.mark.parametrize("keep", [True, False])
def test_a_folder_keeps_what_a_data_set_promises(pictures: Path, keep: bool) -> None:
    params = ImageFolder.Params(path=pictures, height=16, width=12, keep=keep)
    assert [one.line() for one in check_data(Subject("data", "image-folder", ImageFolder, params, "here"))] == []


def test_numbers_are_those_of_image_folder_and_to_tensor(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        Image.fromarray(draw.integers(0, 256, (16, 12, 3), np.uint8)).save(tmp_path / label / "0.png")
    by_python = pt.data.ImageFolder(tmp_path, transform=pt.data.transforms.ToTensor())
    wanted = np.stack([np.asarray(by_python[at][0]) for at in (0, 1)])
    bytes_of = np.stack([np.asarray(pt.data.ImageFolder(tmp_path)[at][0]) for at in (0, 1)])
    for keep in (True, False):
        x = load(tmp_path, keep=keep).train.fetch(np.arange(2))["x"]
        assert x.dtype == wanted.dtype == np.float32 and (x == wanted).all() and x.min() >= 0 and x.max() <= 1
        x = load(tmp_path, keep=keep, scale=False).train.fetch(np.arange(2))["x"]
        assert x.dtype == np.uint8 and (x == bytes_of).all()


def test_a_run_reads_pictures_as_it_was_trained_on_them(pictures: Path) -> None:
    """One from before pictures were scaled has bytes, and its recipe does not say so."""
    params = ImageFolder.Params(path=Path("gone"), height=16, width=12)
    for dtype in (np.uint8, np.float32):
        zeros = pt.data.ArrayDataset(x=np.zeros((2, 16, 12, 3), dtype), y=np.arange(2))
        kept = pt.data.DataModule("pictures", "classification", {"train": zeros}, 2, ("blue", "red"))
        made = ImageFolder.reopen(params, kept)
        assert made.read is not None
        picture = np.asarray(Image.open(pictures / "red" / "11.bmp"))
        ((_, x),) = made.read(pt.data.InputFile(pictures / "red" / "11.bmp"), 10)
        for found in (x, made.encode(picture)):
            assert found.dtype == dtype and (found.max() > 100) == (dtype == np.uint8)


def test_training_batches_are_the_same_for_any_number_of_workers_and_threads(pictures: Path) -> None:
    """Reading, random changes of whole batches, and the order: by the hash of two epochs."""

    def digest(keep: bool, workers: int) -> str:
        return digest_of_training(
            load(pictures, keep=keep).train, [RandomCrop, RandomFlip, ColourJitter], 5, 2, workers
        )

    threads = pt.get_threads()
    try:
        found = set()
        for count in (1, 2, 4, 7):
            pt.set_threads(count)
            found |= {digest(keep, workers) for keep in (True, False) for workers in (0, 1, 2, 8)}
    finally:
        pt.set_threads(threads)
    assert len(found) == 1


def test_a_picture_is_cut_to_its_middle(tmp_path: Path) -> None:
    pixels = np.zeros((10, 40, 3), np.uint8)
    pixels[:, 15:25] = 255
    for folder in ("train/bar", "train/none", "test/bar"):
        (tmp_path / folder).mkdir(parents=True)
        Image.fromarray(pixels if folder.endswith("bar") else 255 - pixels).save(tmp_path / folder / "0.png")
    data = ImageFolder.build(ImageFolder.Params(path=tmp_path, height=10, width=10), Path())
    assert set(data.splits) == {"train", "test"} and (data.train.fetch(np.array([0]))["x"] == 1).all()


def test_pictures_of_any_size_are_resized() -> None:
    """32 / (32 / 49) is more than 49: the part that is cut out may not pass the picture by a rounding."""
    image = pytest.importorskip("PIL.Image", reason="Pillow reads pictures")
    for width in (*range(1, 130), 4001):
        for height in (width, width + 1, 1, 98):
            for size in ((32, 32), (64, 48), (7, 11)):
                assert taken_picture(image.new("L", (width, height), 9), size, False).shape == size


def test_what_is_wrong_with_a_folder_is_said(pictures: Path, tmp_path: Path) -> None:
    (pictures / "red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(DataError, match=r"\[image-folder\] .*broken\.png: .*; expected a whole picture"):
        load(pictures)
    with pytest.raises(DataError, match=r"\[image-folder\] no folder .*nowhere"):
        load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"\[image-folder\] no pictures below .*; expected CLASS/FILE"):
        load(tmp_path / "empty")
    for part, label in (("train", "a"), ("test", "b")):
        (tmp_path / "parts" / part / label).mkdir(parents=True)
        Image.new("L", (4, 4)).save(tmp_path / "parts" / part / label / "0.png")
    with pytest.raises(DataError, match=r"\[image-folder test\] classes b; expected some of a"):
        load(tmp_path / "parts")


def test_files_that_are_no_pictures_of_the_formats(pictures: Path) -> None:
    """By name one of them; what it holds would start another program, or makes a reader wait."""
    path = pictures / "red" / "other.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(DataError, match=r"other\.png: no picture of the formats PNG, .*; expected a whole picture"):
        load(pictures)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DataError, match=r"other\.png: it is a pipe, not a regular file; expected a whole picture"):
        load(pictures)


@pytest.mark.parametrize("keep", [True, False])
def test_pictures_that_cannot_be_read_are_left_out_and_counted(pictures: Path, keep: bool) -> None:
    whole = load(pictures, keep=keep).train
    content = (pictures / "red" / "03.png").read_bytes()
    (pictures / "red" / "03.png").write_bytes(content[:-30])
    (pictures / "blue" / "00.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"00\.png: no picture of the formats"):
        load(pictures, keep=keep).train.fetch(np.arange(24))
    data = load(pictures, keep=keep, bad="skip")
    assert data.notes == (
        "2 of 24 pictures cannot be read and are left out",
        f"{pictures / 'blue' / '00.png'}: no picture of the formats PNG, JPEG, BMP, GIF, WEBP, TIFF, PPM",
        f"{pictures / 'red' / '03.png'}: image file is truncated",
    )
    left = np.delete(np.arange(24), [0, 15])
    (pictures / "red" / "03.png").write_bytes(content)
    (pictures / "blue" / "00.png").write_bytes(content)
    for name, values in data.train.fetch(np.arange(22)).items():
        assert (values == whole.fetch(left)[name]).all()
    assert load(pictures, bad="skip").notes == ()


def test_a_class_without_a_picture_is_an_error(pictures: Path) -> None:
    for path in (pictures / "blue").iterdir():
        path.write_bytes(b"BM")
    with pytest.raises(DataError) as caught:
        load(pictures, bad="skip")
    assert str(caught.value) == (
        "[image-folder train] no pictures of the class blue can be read; expected some of each class; repair them, or "
        "remove the folder"
    )


def test_many_pictures_that_cannot_be_read_are_counted(pictures: Path) -> None:
    for number in range(300):
        (pictures / "red" / f"broken-{number:03}.png").write_bytes(b"")
    notes = load(pictures, bad="skip").notes
    assert notes[0] == "300 of 324 pictures cannot be read and are left out"
    assert len(notes) == 12 and notes[-1] == "and 290 more"


def test_files_of_other_kinds_are_counted_by_their_endings(pictures: Path) -> None:
    """Pictures of a phone were left out in silence, as everything whose ending is not known."""
    for name in ("a.heic", "b.HEIC", "c.txt", "README", ".DS_Store", "Thumbs.db"):
        (pictures / "red" / name).write_bytes(b"")
    data = load(pictures)
    assert len(data.train) == 24
    assert data.notes == ("4 files that do not end as pictures do are left out: 2 .heic, 1 without an ending, 1 .txt",)


def test_sixteen_bits_become_eight_and_thirty_two_are_refused(tmp_path: Path) -> None:
    """Pillow's conversion to bytes makes 255 of all that is above."""
    levels = np.array([[0, 257, 32768, 65535]], np.uint16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    (tmp_path / "a.pgm").write_bytes(b"P5\n4 1\n65535\n" + levels.astype(">u2").tobytes())
    Image.fromarray(levels).save(tmp_path / "a.tif")
    for name in ("a.png", "a.pgm", "a.tif"):
        assert np.asarray(pt.data.read_image(tmp_path / name, "L")).tolist() == [[0, 1, 128, 255]]
        assert np.asarray(pt.data.read_image(tmp_path / name))[0, 2].tolist() == [128, 128, 128]
    for name, dtype in (("numbers.tif", np.int32), ("floats.tif", np.float32)):
        Image.fromarray(levels.astype(dtype)).save(tmp_path / name)
        with pytest.raises(DataError, match=f"{name}: pixels of 32 bits, whose range is not known"):
            pt.data.read_image(tmp_path / name)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_that_a_camera_marked_as_turned_are_upright(tmp_path: Path, form: str) -> None:
    """As viewers show them. torchvision and Keras leave photographs of a phone on their side."""
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:4] = 255  # white above
    for orientation in range(1, 9):
        image, mark = Image.fromarray(pixels), Image.Exif()
        mark[0x0112] = orientation
        path = tmp_path / f"{orientation}.{form.lower()}"
        image.save(path, form, exif=mark, **({"lossless": True} if form == "WEBP" else {}))
        shown = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        assert np.array_equal(np.asarray(pt.data.read_image(path)), np.asarray(shown))
        size = shown.height, shown.width
        in_memory = taken_picture(Image.open(path), size, True)
        assert np.array_equal(in_memory, read_picture(path, size, True))
    assert pt.data.read_image(tmp_path / f"6.{form.lower()}").size == (16, 24)


def test_damaged_data_of_a_camera_do_not_matter(tmp_path: Path) -> None:
    Image.new("RGB", (6, 4)).save(tmp_path / "a.jpg", exif=b"Exif\0\0no data of a camera")
    assert pt.data.read_image(tmp_path / "a.jpg").size == (6, 4)
    assert taken_picture(Image.open(tmp_path / "a.jpg"), (4, 6), True).shape == (4, 6, 3)


def test_damaged_data_of_a_camera_do_not_matter_to_a_picture_in_memory() -> None:
    """Bytes of the marks are changed at random: some make Pillow raise when it turns the picture."""
    exif, plain, noise = Image.Exif(), io.BytesIO(), np.random.default_rng(0)
    exif[0x010E], exif[0x0112] = "a picture", 6
    Image.new("RGB", (8, 4)).save(plain, "JPEG", exif=exif.tobytes())
    marks, raised = plain.getvalue().index(b"Exif") + 6, 0
    for _ in range(2000):
        damaged = bytearray(plain.getvalue())
        damaged[marks + noise.integers(0, 60)] = noise.integers(0, 256)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                picture = Image.open(io.BytesIO(bytes(damaged)))
            except OSError:  # no picture any more
                continue
            assert taken_picture(picture, (4, 8), True).shape == (4, 8, 3)
            try:
                ImageOps.exif_transpose(picture)
            except Exception:
                raised += 1
    assert raised > 0


@pytest.mark.parametrize("form", ["BMP", "PPM", "TIFF", "PNG"])
def test_no_picture_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Pillow maps some forms that it is given by name: a file that is cut off meanwhile would end the process."""

    def refused(*given: object, **settings: object) -> None:
        raise AssertionError("it was mapped")

    Image.new("RGB", (8, 8)).save(tmp_path / "a", form)
    monkeypatch.setattr(mmap, "mmap", refused)
    assert read_picture(tmp_path / "a", (8, 8), True).shape == (8, 8, 3)


def test_a_resnet_has_a_width() -> None:
    with pytest.raises(ValueError, match=r"^widths is empty; expected one or more; \(16, 32, 64\) are usual$"):
        ResNet.Params(widths=())


def test_mnist1d_is_that_of_its_authors() -> None:
    """The hash is that of what the package mnist1d 0.0.2.post1 makes, as float32."""
    x, y = make(5000, 42)
    assert hashlib.sha256(x.tobytes()).hexdigest().startswith("0b2b548d14a498bf")
    assert x.shape == (5000, 40) and y[:8].tolist() == [2, 6, 4, 5, 6, 6, 6, 0]


def test_models_have_the_sizes_of_their_papers() -> None:
    def size(model: Any) -> int:
        return sum(int(np.prod(tuple(slot.shape))) for _, slot in model.named_parameters())

    inputs = Inputs("classification", (40,), 10)
    assert size(ResidualMLP.build(ResidualMLP.Params(), inputs)) == 15210
    assert size(SequenceCNN.build(SequenceCNN.Params(), inputs)) == 5210
    assert size(SequenceGRU.build(SequenceGRU.Params(), inputs)) == 5134
    twenty = ResNet.build(ResNet.Params(blocks=3), Inputs("classification", (32, 32, 3), 10))
    # 0.27 M in table 6 of He et al. 2016; the shortcuts of two stages are 1 x 1 convolutions here.
    assert size(twenty) == 272_474
    assert twenty(pt.zeros((2, 32, 32, 3))).shape == (2, 10)


def test_every_plugin_passes_the_check(tmp_path: Path) -> None:
    powertrain("plugins", "check", "powertrain-vision", folder=tmp_path)


RECIPE = """\
data      = { use = "image-folder", path = "pictures", height = 16, width = 16, split = { valid = 0.25 } }
features  = ["random-crop", "random-flip", "rand-augment", "colour-jitter", "random-erasing", "mixup", "cutmix"]
model     = { use = "resnet", widths = [4, 8] }
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "40 epochs", batch_size = 8, seed = 3, save_seconds = 0 }
"""


def test_killed_and_resumed_ends_with_the_same_bits_and_shows_pictures(pictures: Path) -> None:
    folder = pictures.parent
    whole = killed_and_resumed(RECIPE, folder)
    assert whole["valid"]["accuracy"] > 0.8
    report = (folder / "whole" / "report.html").read_text()
    assert "Training examples" in report and "Worst examples" in report and "confusion matrix" in report
    said = powertrain("predict", "whole", "pictures/red", folder=folder)
    assert said.count("red") > 8
    broken_files_leave_the_others_their_answers(folder, said)


def broken_files_leave_the_others_their_answers(folder: Path, said: str) -> None:
    for name in ("pictures/red/broken.png", "empty/broken.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"nothing")

    def asked(*arguments: str) -> tuple[int, str, str]:
        words = [sys.executable, "-m", "powertrain", "predict", "whole", *arguments]
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
        return done.returncode, done.stdout, done.stderr

    wrong = (
        "[image-folder] pictures/red/broken.png: no picture of the formats PNG, JPEG, BMP, GIF, WEBP, TIFF, PPM; "
        "expected a whole picture of at most 100,000,000 pixels; repair it or take it out of the folder\n"
    )
    count = "files of pictures/red that cannot be read: 1; predictions are of the other files\n"
    assert asked("pictures/red") == (1, said, wrong + count)
    assert asked("pictures/red", "--out", "a.csv") == (1, "12 answers in a.csv\n", wrong + count)
    assert (folder / "a.csv").read_text().count("\n") == 13
    code, answers, errors = asked("empty")
    assert (code, answers) == (2, "") and "empty/broken.png: no picture" in errors and "without an example" in errors
    assert asked("pictures/red/broken.png")[:2] == (2, "")
    with pytest.raises(DataError, match=r"broken\.png: no picture"):  # Python has no exit code: nothing may be lost
        pt.load(folder / "whole").predict(folder / "pictures" / "red")
