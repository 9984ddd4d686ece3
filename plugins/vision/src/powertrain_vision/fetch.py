"""Fetch small pictures: `python -m powertrain_vision.fetch FOLDER` fills FOLDER/stamps and FOLDER/cutouts.

These are the stamps of Tux Paint (GPL-2), made small: on white with their English captions, and with their alpha
channels. They come in Debian's package tuxpaint-stamps-default (81 MB), whose hash is compared. Nothing is installed.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from powertrain.data import DataError, read_image
from powertrain_vision.captioned import STAMPS
from powertrain_vision.cutouts import WHERE as CUTOUTS
from powertrain_vision.folder import on_white

WHERE = "fetch"
PACKAGE = "tuxpaint-stamps-default"
DIGEST = "6312d03a37d0220b10fc91a7467bf2a2a2336e08c2f416de04311d25fd7aeacb"  # of version 2025.03.31-1
ROOT = "usr/share/tuxpaint/stamps/"
SIDE = 64  # pixels of a picture


def fetch(folder: Path) -> dict[str, int]:
    """Fill `folder/stamps` and `folder/cutouts`, unless they are there; how many pictures each has."""
    lacking = {name: write for name, write in KINDS.items() if not (folder / name).is_dir()}
    files = unpacked(package()) if lacking else {}
    for name, write in lacking.items():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as room:  # there, so that it can be moved at the end
            made = Path(room) / name
            made.mkdir()
            write(files, made)
            made.rename(folder / name)
    return {name: len(list((folder / name).rglob("*.png"))) for name in KINDS}


def package() -> bytes:
    """The files of the package, as a tar archive."""
    with tempfile.TemporaryDirectory() as folder:
        _run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", PACKAGE], Path(folder))
        (archive,) = Path(folder).glob("*.deb")
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != DIGEST:
            raise DataError(WHERE, f"{archive.name} has the hash {found}", f"expected {DIGEST}", "the package changed")
        return _run(["dpkg-deb", "--fsys-tarfile", str(archive)], Path(folder))


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The pictures and texts of the stamps by their paths."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [(member.name.removeprefix("./"), tar.extractfile(member)) for member in tar if member.isfile()]
        return {
            name.removeprefix(ROOT): file.read()
            for name, file in members
            if file is not None and name.startswith(ROOT) and name.endswith((".png", ".txt"))
        }


def shrink(files: dict[str, bytes], folder: Path) -> None:
    """Write each picture that has an English caption, SIDE pixels each way, and the caption beside it."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as room:
        whole = Path(room) / "whole.png"
        for name, content in sorted(files.items()):
            caption = english(files.get(name.removesuffix(".png") + ".txt", b""))
            if name.endswith(".png") and caption:
                whole.write_bytes(content)
                place = folder / name
                place.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(on_white(read_image(whole, "RGBA", where=WHERE), (SIDE, SIDE))).save(place)
                place.with_suffix(".txt").write_text(caption + "\n", encoding="utf-8")


def cut_out(files: dict[str, bytes], folder: Path) -> None:
    """Write each picture with its alpha channel, at most SIDE pixels each way."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as room:
        whole = Path(room) / "whole.png"
        for name, content in sorted(files.items()):
            if name.endswith(".png"):
                whole.write_bytes(content)
                picture: Any = read_image(whole, "RGBA", where=WHERE)
                picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
                place = folder / name
                place.parent.mkdir(parents=True, exist_ok=True)
                picture.save(place)


KINDS = {STAMPS: shrink, CUTOUTS: cut_out}


def english(text: bytes) -> str:
    """The caption in English: the first line of the text beside a stamp; nothing where it has none."""
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return " ".join(lines[0].split()) if lines else ""


def _run(command: list[str], folder: Path) -> bytes:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    except OSError as error:
        raise DataError(WHERE, f"{command[0]}: {error.strerror}", "expected it to run", "use Debian") from None
    if done.returncode:
        last = "".join(done.stderr.decode(errors="replace").strip().splitlines()[-1:])
        raise DataError(
            WHERE, f"{' '.join(command)}: {last}", "expected the package", "apt-get update; is there a network?"
        )
    return done.stdout


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("[fetch] expected one folder: python -m powertrain_vision.fetch FOLDER")
    try:
        for name, count in fetch(Path(sys.argv[1])).items():
            print(f"{Path(sys.argv[1]) / name}: {count:,} pictures")
    except DataError as error:
        sys.exit(str(error))
