"""Files in class folders: what the examples are, that they are read when asked for, and what is refused."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError, DataLoader, DatasetFolder, ImageFolder, random_split, transforms
from powertrain.data.drawing import example


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image", reason="Pillow is an extra of powertrain-vision")
    chance = np.random.default_rng(0)
    for at, name in enumerate(("dog", "cat")):
        (tmp_path / "all" / name / "more").mkdir(parents=True)
        for number in range(6):
            pixels = chance.integers(0, 60, (9 + at, 8 + number, 3)) + 150 * at
            place = tmp_path / "all" / name / ("more" if number == 5 else "") / f"{number}.png"
            image.fromarray(pixels.astype(np.uint8)).save(place)
    (tmp_path / "all" / "cat" / ".copies").mkdir()
    (tmp_path / "all" / "cat" / ".copies" / "0.png").write_bytes(b"")
    (tmp_path / "all" / "cat" / "notes.txt").write_text("no picture", encoding="utf-8")
    return tmp_path / "all"


def test_folders_that_are_links_are_followed_once(pictures: Path) -> None:
    """torchvision follows them too; one that leads back would go round for ever."""
    elsewhere = pictures.parent / "elsewhere"
    (pictures / "cat" / "more").rename(elsewhere)
    (pictures / "cat" / "linked").symlink_to(elsewhere)
    (pictures / "cat" / "again").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(pictures / "cat")
    assert ImageFolder(pictures).targets == [0] * 6 + [1] * 6


def test_a_folder_that_cannot_be_listed_is_an_error(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.scandir

    def refused(path: Any) -> Any:
        if str(path).endswith("more"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(DataError, match=r"cat/more: Permission denied; expected a readable file; check the path"):
        ImageFolder(pictures)


SMALL = transforms.Compose([transforms.Resize(8), transforms.CenterCrop(8), transforms.ToTensor()])


def test_the_attributes_are_those_of_torchvision(pictures: Path) -> None:
    data = ImageFolder(pictures)
    assert data.classes == ["cat", "dog"] and data.class_to_idx == {"cat": 0, "dog": 1} and len(data) == 12
    assert data.targets == [0] * 6 + [1] * 6 and data.imgs is data.samples
    assert data.samples[0] == (str(pictures / "cat" / "0.png"), 0)
    assert data.samples[5] == (str(pictures / "cat" / "more" / "5.png"), 0), "also further below"
    picture, label = data[-1]
    assert picture.mode == "RGB" and picture.size == (13, 9) and label == 1
    changed = ImageFolder(str(pictures), transform=SMALL, target_transform=lambda at: 10 * at)
    assert changed[6][0].shape == (8, 8, 3) and changed[6][0].dtype == np.float32 and changed[6][1] == 10


@pytest.mark.parametrize("workers", [0, 2])
def test_pictures_in_a_loader_and_in_parts(pictures: Path, workers: int) -> None:
    train, test = random_split(ImageFolder(pictures, transform=SMALL), [0.75, 0.25], seed=1)
    assert (len(train), len(test)) == (9, 3)
    for images, labels in DataLoader(train, batch_size=3, shuffle=True, num_workers=workers):
        assert isinstance(images, pt.Tensor) and images.shape == (3, 8, 8, 3) and labels.dtype == pt.int64
        assert ((images.mean(axis=(1, 2, 3)) < 0.4) == (labels == 1)).all()


def test_a_broken_picture_is_met_when_it_is_read(pictures: Path) -> None:
    (pictures / "cat" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    data = ImageFolder(pictures, transform=SMALL)
    assert data[1][1] == 0
    with pytest.raises(DataError) as caught:
        data[0]
    assert str(caught.value) == (
        f"[read_image] {pictures}/cat/0.png: no picture of the formats PNG, JPEG, BMP, GIF, WEBP, TIFF, PPM; expected "
        "a whole picture of at most 100,000,000 pixels; repair it or take it out of the folder"
    )


def test_other_files_and_functions(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "x.npy", np.full(3, ord(name)))
        (tmp_path / name / "x.txt").write_text(name, encoding="utf-8")
    data = DatasetFolder(tmp_path, np.load, extensions=[".NPY"])
    (batch,) = DataLoader(data, 2)
    assert batch.x[:, 0].tolist() == [97, 98] and batch.y.tolist() == [0, 1]
    texts = DatasetFolder(tmp_path, lambda path: Path(path).read_text(encoding="utf-8"), is_valid_file=lambda path:
                          path.endswith("txt"))  # fmt: skip
    assert list(texts) == [("a", 0), ("b", 1)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda at: ImageFolder(at / "none"), "[ImageFolder] no folder AT/none; expected a folder for each class; "
                                              "check the path"),
        (lambda at: ImageFolder(at / "empty"), "[ImageFolder] no pictures below AT/empty; expected CLASS/FILE, with "
         "names in .png, .jpg, .jpeg, .bmp, .gif, .webp, .tif, .tiff, .ppm, .pgm; put the pictures of each class into "
         "a folder of its name"),
        (lambda at: ImageFolder(at / "parts"), "[ImageFolder] folders test, train below AT/parts; expected a folder "
         "for each class; make a data set of each: ImageFolder('AT/parts/train', ...)"),
        (lambda at: ImageFolder(at / "parts" / "train"), "[ImageFolder] no pictures in b below AT/parts/train; "
         "expected some in each folder, in .png, .jpg, .jpeg, .bmp, .gif, .webp, .tif, .tiff, .ppm, .pgm; put "
         "pictures of the class there, or remove the folder"),
        (lambda at: ImageFolder(at, transform=transforms.ToTensor), "[ImageFolder] transform is the class ToTensor; "
         "expected a function; for example transform=pt.data.transforms.ToTensor()"),
        (lambda at: DatasetFolder(at, "png"), "[DatasetFolder] loader is a str; expected a function; for example "
         "loader=pt.data.read_image"),
        (lambda at: DatasetFolder(at, np.load), "[DatasetFolder] received neither extensions nor is_valid_file; "
         'expected one of them; for example extensions=(".wav", ".flac")'),
        (lambda at: DatasetFolder(at / "parts" / "train", np.load, is_valid_file=lambda path: False),
         "[DatasetFolder] no files below AT/parts/train; expected CLASS/FILE, with names that is_valid_file takes; put "
         "the files of each class into a folder of its name"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, make: Any, message: str) -> None:
    pytest.importorskip("PIL.Image", reason="Pillow is an extra of powertrain-vision")
    for folder in ("empty/a", "parts/train/a", "parts/train/b", "parts/test/a"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "parts" / "train" / "a" / "x.PNG").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        make(tmp_path)
    assert str(caught.value) == message.replace("AT", str(tmp_path))


def test_without_pillow_the_error_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"")
    code = f"import sys; sys.modules['PIL'] = None; import powertrain as pt; pt.data.ImageFolder({str(tmp_path)!r})"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert made.stderr.splitlines()[-1] == (
        "powertrain.data.errors.DataError: [ImageFolder] Pillow is not installed; expected it, to read pictures; "
        "pip install 'powertrain-vision[images]'"
    )


def test_resizing_keeps_the_form_or_not() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is an extra of powertrain-vision")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 31, 3), np.uint8)
    picture = image.fromarray(pixels)
    assert transforms.Resize(10)(picture).shape == (10, 15, 3) and transforms.Resize((7, 5))(picture).shape == (7, 5, 3)
    for how in ("nearest", "bilinear", "bicubic", "lanczos"):
        change = transforms.Resize((9, 13), how)
        assert (change(picture) == change(pixels)).all(), "an array channel by channel, as Pillow the picture"
        assert np.abs(change(pixels / 255.0) * 255 - change(pixels)).max() <= (0 if how == "nearest" else 45)
    grey = transforms.Resize(10)(picture.convert("L"))
    assert grey.shape == (10, 15) and transforms.Resize(10)(pixels[..., :1]).shape == (10, 15, 1)


def test_the_middle_of_a_picture_is_that_of_a_recipe() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is an extra of powertrain-vision")
    fit = pytest.importorskip("PIL.ImageOps", reason="Pillow is an extra of powertrain-vision").fit
    pixels = np.random.default_rng(0).integers(0, 256, (25, 59, 3), np.uint8)
    picture = image.fromarray(pixels)
    change = transforms.CenterResizedCrop((32, 24))
    wanted = np.asarray(fit(picture, (24, 32), image.Resampling.BILINEAR))
    assert (change(picture) == wanted).all() and (change(pixels) == wanted).all()
    assert np.abs(transforms.Resize((32, 24))(picture).astype(int) - wanted).max() > 20, "it stretches"
    assert transforms.CenterResizedCrop(8)(picture.convert("L")).shape == (8, 8)
    taken = pytest.importorskip("powertrain_vision.folder", reason="powertrain-vision is not installed").taken_picture
    for size in ((25, 59), (400, 130)):
        picture = image.fromarray(np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8))
        assert (taken(picture, (32, 24), True) == change(picture)).all()


def test_random_parts_have_the_area_and_the_form_that_was_asked_for() -> None:
    pytest.importorskip("PIL.Image", reason="Pillow is an extra of powertrain-vision")
    # Each pixel says where it is: corners of what comes out tell the part.
    rows, columns = np.mgrid[:40, :60].astype(np.float32)
    crop = transforms.RandomResizedCrop(16, scale=(0.2, 0.5), ratio=(0.5, 2.0), interpolation="nearest")
    seen = set()
    for index in range(200):
        with example(2, 0, index):
            part = crop(np.stack([rows, columns], axis=-1))
        assert part.shape == (16, 16, 2)
        tall, wide = ((part[-1, -1] - part[0, 0]) * 16 / 15).tolist()
        assert 0.15 * 2400 < tall * wide < 0.6 * 2400 and 0.4 < wide / tall < 2.5
        seen.add((tall, wide))
    assert len(seen) > 100
    with example(2, 0, 7):
        first = crop(rows)
    with example(2, 0, 7):
        assert (crop(rows) == first).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: transforms.Resize(0), "[Resize] size = 0; expected a whole number >= 1, or two; for example "
                                       "Resize((32, 24))"),
        (lambda: transforms.Resize(8, "cubic"), "[Resize] interpolation = 'cubic'; expected one of nearest, bilinear, "
                                                "bicubic, lanczos; bilinear is usual"),
        (lambda: transforms.RandomResizedCrop(8, scale=(0.5, 2)), "[RandomResizedCrop] scale = (0.5, 2); expected two "
         "numbers above 0, the smaller one first; scale=(0.08, 1.0) and ratio=(3/4, 4/3) are usual"),
        (lambda: transforms.Resize(8)(np.zeros(3)), "[Resize] an array [3]; expected a picture [height, width(, "
         "channels)]; put it where one picture is made, in __getitem__; pad what is too small"),
    ],
)  # fmt: skip
def test_what_resizing_refuses(make: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        make()
    assert str(caught.value) == message
