"""Examples in tar files: what comes out, in any order and on any number of workers, and what is refused."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError, TarDataset
from same_batches import demand_same_batches


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def write(path: Path, *members: tuple[str, bytes], form: int = tarfile.USTAR_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def example(number: int) -> list[tuple[str, bytes]]:
    x = np.arange(3, dtype=np.float32) + number
    return [(f"part/{number:04}.npy", npy(x)), (f"part/{number:04}.cls", str(number % 3).encode())]


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Three files of 10, 1 and 12 examples, with a folder, a hidden file and a member that nobody asks for."""
    first = [("part/.DS_Store", b"?"), *[one for number in range(10) for one in example(number)]]
    write(tmp_path / "train-0.tar", *first)
    write(tmp_path / "train-1.tar", *example(10), ("part/0010.json", json.dumps({"a": [1]}).encode()))
    last = [one for number in range(11, 23) for one in example(number)]
    write(tmp_path / "train-2.tar", *last, form=tarfile.PAX_FORMAT)
    return tmp_path


def test_members_of_one_name_are_an_example(shards: Path) -> None:
    data = TarDataset(str(shards / "train-*.tar"), ("npy", "cls"))
    assert len(data) == 23 and data.left_out == []
    for row in (0, 9, 10, 22, -1):
        x, y = data[row]
        assert (x == np.arange(3) + row % 23).all() and y == row % 23 % 3
    fields = data.fetch(np.array([20, 3]))
    assert fields["x"].tolist() == [[20, 21, 22], [3, 4, 5]] and fields["y"].tolist() == [2, 0]
    with pytest.raises(IndexError):
        data[23]
    (shards / "of-2").mkdir()
    (shards / "train-2.tar").rename(shards / "of-2" / "train-2.tar")
    assert len(TarDataset(str(shards / "of-*" / "train-*.tar"), ("npy",))) == 12
    assert data.example_names(np.array([22, 0])) == ["part/0022", "part/0000"]


def test_fields_are_read_by_their_endings_or_by_a_function(shards: Path) -> None:
    path = write(
        shards / "a.tar", ("one.txt", "naïve".encode()), ("one.JSON", b'{"a": [1, 2]}'), ("one.seg.bin", b"\1\2"),
        ("one.id", b"7\n"),
    )  # fmt: skip
    assert TarDataset(path, ("txt", "json", "seg.bin", "id"))[0] == ("naïve", {"a": [1, 2]}, b"\1\2", 7)
    sides = write(shards / "b.tar", ("one.left.id", b"3"), ("one.right.id", b"4"))
    assert TarDataset(sides, ("left.id", "right.id"))[0] == (3, 4)
    doubled = TarDataset(path, {"seg.bin": len, "id": None}, transform=lambda x: 2 * x, target_transform=str)
    assert doubled[0] == (4, "7")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_of_each_format(tmp_path: Path, form: int) -> None:
    key = "/".join(["naïve" * 6] * (3 if form == tarfile.USTAR_FORMAT else 20))
    path = write(tmp_path / "a.tar", (f"{key}.cls", b"1"), (f"{key}x.cls", b"2"), form=form)
    assert [TarDataset(path, ("cls",))[row] for row in (0, 1)] == [(1,), (2,)]


def test_batches_are_the_same_for_any_number_of_workers_and_after_a_resume(shards: Path) -> None:
    demand_same_batches(lambda: TarDataset(str(shards / "train-*.tar"), ("npy", "cls")), batch_size=4, stop=3)


def test_a_run_learns_from_shards(shards: Path) -> None:
    data = TarDataset(str(shards / "train-*.tar"), ("npy", "cls"))
    run = pt.fit(model=pt.nn.Linear(3, 3), data=data, epochs=2, batch_size=8, verbose=False)
    assert np.isfinite(run.evaluate("train")["loss"])


def test_pictures_are_read(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow reads pictures")
    out = io.BytesIO()
    image.new("L", (4, 3), 9).save(out, "PNG")
    path = write(tmp_path / "a.tar", ("1.png", out.getvalue()), ("1.cls", b"0"), ("2.png", out.getvalue()[:-30]),
                 ("2.cls", b"1"))  # fmt: skip
    data = TarDataset(path, ("png", "cls"), transform=pt.data.transforms.ToTensor())
    assert data[0][0].shape == (3, 4, 3)
    with pytest.raises(DataError) as caught:
        data[1]
    assert str(caught.value) == (
        f"[TarDataset] {path}: 2.png: image file is truncated; expected what its name says; repair it, or take it out "
        "of the tar file"
    )


def test_an_example_without_a_field_is_an_error_or_left_out(shards: Path) -> None:
    path = write(shards / "a.tar", *example(0), ("part/0001.cls", b"1"), *example(2))
    with pytest.raises(DataError) as caught:
        TarDataset(path, ("npy", "cls"))
    assert str(caught.value) == (
        f"[TarDataset] {path}: part/0001 with cls, without npy; expected npy, cls of each example; add it, or pass "
        'bad="skip"'
    )
    data = TarDataset([path], ("npy", "cls"), bad="skip")
    assert len(data) == 2 and data.left_out == [f"{path}: part/0001 without npy"]
    with pytest.raises(DataError, match=r"bad = 'drop'; expected one of error, skip"):
        TarDataset(path, ("npy",), bad="drop")


def linked(path: Path, kind: bytes) -> None:
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("1.cls")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)


def with_holes(path: Path) -> None:
    """As `tar --sparse --format=posix` writes it: a regular file, but for the records before it."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("GNUSparseFile.7/1.cls")
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "1.cls"}
        info.size = 2
        archive.addfile(info, io.BytesIO(b"0\n"))


def changed(path: Path, change: Any) -> None:
    write(path, *example(0), *example(1))
    path.write_bytes(change(path.read_bytes()))


BROKEN = {
    "no bytes": (lambda path: path.write_bytes(b""), "ends at byte 0 without the blocks of zeros"),
    "a text": (lambda path: path.write_bytes(b"to be or not to be" * 60), "invalid header"),
    "packed": (lambda path: tarfile.open(path, "w:gz").close(), "ends at byte"),
    "cut off in a header": (lambda path: changed(path, lambda content: content[:700]), "of 140 bytes from byte 512 on"),
    "cut off between members": (lambda path: changed(path, lambda content: content[:2048]), "ends at byte 2,048"),
    "a wrong checksum": (lambda path: changed(path, lambda content: b"q" + content[1:]), "bad checksum"),
    "a size beyond the file": (lambda path: changed(path, lambda content: resized(content, b"77777777777\0")),
                               "of 8,589,934,591 bytes from byte 512 on"),
    "two files in one": (lambda path: changed(path, lambda content: content * 2), "has 20,480 bytes"),
    "a link": (lambda path: linked(path, tarfile.SYMTYPE), "1.cls is a link, a device or a sparse file"),
    "a hard link": (lambda path: linked(path, tarfile.LNKTYPE), "1.cls is a link, a device or a sparse file"),
    "a device": (lambda path: linked(path, tarfile.CHRTYPE), "1.cls is a link, a device or a sparse file"),
    "a sparse file": (with_holes, "1.cls is a link, a device or a sparse file"),
    "an absolute name": (lambda path: write(path, ("/etc/1.cls", b"1")), "/etc/1.cls, which leads out of a folder"),
    "a name that leads out": (lambda path: write(path, ("a/../../1.cls", b"1")), "../../1.cls, which leads out"),
    "a field twice": (lambda path: write(path, ("1.cls", b"1"), ("1.cls", b"2")), "1.cls twice"),
    "a long name": (lambda path: write(path, ("n" * 99_999, b"1"), form=tarfile.GNU_FORMAT), "a name of 100,000 bytes"),
    "no example": (lambda path: write(path), "no example in"),
}  # fmt: skip


def resized(content: bytes, size: bytes) -> bytes:
    """The first header with another size, and the checksum that fits."""
    header = bytearray(content[:512])
    header[124:136], header[148:156] = size, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content[512:]


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_tar_file_of_examples_is_refused(tmp_path: Path, kind: str) -> None:
    make, said = BROKEN[kind]
    path = tmp_path / "broken.tar"
    make(path)
    with pytest.raises(DataError) as caught:
        TarDataset(path, ("cls",))
    assert "broken.tar" in str(caught.value) and said in str(caught.value)


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*train-\*\.tar; expected tar files"):
        TarDataset(str(tmp_path / "train-*.tar"), ("cls",))
    with pytest.raises(DataError, match="No such file"):
        TarDataset(tmp_path / "a.tar", ("cls",))
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(DataError, match="it is a pipe, not a regular file"):
        TarDataset(tmp_path / "pipe.tar", ("cls",))


def test_a_file_that_is_cut_off_meanwhile(shards: Path) -> None:
    path = shards / "train-0.tar"
    data = TarDataset(path, ("npy", "cls"))
    with path.open("r+b") as file:
        file.truncate(3000)
    with pytest.raises(DataError, match=r"train-0\.tar: part/0005\.npy: the file was cut off: 0 of 140 bytes"):
        data[5]


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_no_damaged_tar_file_does_harm(shards: Path, first: int) -> None:
    """Every value or a DataError; nothing else, and no memory for what a header states."""
    whole = (shards / "train-2.tar").read_bytes()
    for number in range(first, first + 100):
        draw = np.random.default_rng(number)
        damaged = bytearray(whole[: draw.integers(1, len(whole)) if number % 3 == 0 else None])
        for _ in range(draw.integers(1, 6)):
            damaged[draw.integers(0, min(len(damaged), 4096))] = draw.integers(0, 256)
        path = shards / "damaged.tar"
        path.write_bytes(damaged)
        try:
            data = TarDataset(path, ("npy", "cls"), bad="skip")
            for row in range(len(data)):
                data[row]
        except DataError as error:
            assert "damaged.tar" in str(error)
