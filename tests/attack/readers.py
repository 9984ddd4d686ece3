"""Every kind of file that is read: how a good one is made, and how it is read as a recipe has it read."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Read = Callable[[Path], Any]


@dataclass(frozen=True)
class Reader:
    """How a kind of file is made and read. Files whose header states sizes have them at `sizes`."""

    name: str
    file: str
    make: Callable[[random.Random], bytes]
    read: Read


def rows_of(dataset: Any) -> None:
    """Take some rows of each part, as training does."""
    for source in dataset.splits.values():
        fields = source.fetch(np.array([0, len(source) - 1, 0]))
        assert all(len(field) == 3 for field in fields.values())


def loaded(kind: Any, /, **params: Any) -> Read:
    """A data plugin on the file; `path` is filled in."""
    return lambda path: rows_of(kind().build(kind().Params(path=Path(path.name), **params), path.parent))


def digits(draw: random.Random, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    values = np.random.default_rng(draw.randrange(1 << 30))
    return values.normal(size=(12, 4)).astype(np.float32), np.arange(12) % classes


def npz(draw: random.Random, packed: bool = True) -> bytes:
    x, y = digits(draw)
    out = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(out, x=x, y=y)
    return out.getvalue()


def npy(draw: random.Random) -> bytes:
    out = io.BytesIO()
    np.save(out, digits(draw)[0])
    return out.getvalue()


def idx(draw: random.Random) -> bytes:
    return bytes([0, 0, 8, 3]) + struct.pack(">3I", 5, 4, 3) + bytes(draw.randrange(256) for _ in range(60))


def picture(form: str) -> Callable[[random.Random], bytes]:
    def make(draw: random.Random) -> bytes:
        from PIL import Image

        out = io.BytesIO()
        pixels = np.random.default_rng(draw.randrange(99)).integers(0, 255, (9, 11, 3), np.uint8)
        Image.fromarray(pixels).save(out, form)
        return out.getvalue()

    return make


def sound(form: str) -> Callable[[random.Random], bytes]:
    def make(draw: random.Random) -> bytes:
        import soundfile

        out = io.BytesIO()
        soundfile.write(out, np.random.default_rng(1).normal(0, 0.1, (200, draw.choice([1, 2]))), 8000, format=form)
        return out.getvalue()

    return make


def table(draw: random.Random) -> bytes:
    rows = [f"{draw.random():.3f},{draw.choice('abc')},2024-01-{at % 28 + 1:02},{at % 2}" for at in range(40)]
    return "\n".join(["number,letter,day,target", *rows]).encode()


def parquet(draw: random.Random) -> bytes:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(pa.BufferReader(table(draw))), out)
    return out.getvalue()


def arrow(draw: random.Random) -> bytes:
    import pyarrow as pa
    import pyarrow.csv

    made, out = pyarrow.csv.read_csv(pa.BufferReader(table(draw))), io.BytesIO()
    packed = pa.ipc.IpcWriteOptions(compression=draw.choice([None, "zstd"]))
    with pa.ipc.new_file(out, made.schema, options=packed) as writer:
        writer.write_table(made, max_chunksize=16)
    return out.getvalue()


def weights(draw: random.Random) -> bytes:
    from safetensors.numpy import save

    return bytes(save({"weight": np.ones((4, 3), np.float32), "bias": np.zeros(3, np.float32)}))


def adapters(draw: random.Random) -> bytes:
    import tempfile

    import powertrain as pt

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        chance = pt.random.Generator(0)
        model = pt.nn.Sequential(pt.nn.Linear(4, 3, generator=chance))
        pt.nn.adapters.save(path, pt.nn.adapters.add(model, rank=2, generator=chance))
        return path.read_bytes()


def texts(draw: random.Random) -> bytes:
    return "\n".join(draw.choice(["it was naïve", "she went home", "“no”, he said"]) for _ in range(60)).encode()


def labelled(draw: random.Random) -> bytes:
    rows = [f'"hello, {draw.random()}",{"spam" if at % 3 else "ham"}' for at in range(40)]
    return "\n".join(["text,label", *rows]).encode()


def tokenizer(draw: random.Random) -> bytes:
    from powertrain_text.tokenizer import Tokenizer

    return bytes(Tokenizer.fit(["it was naive", "she went home"] * 4, "byte-bpe", 300).state()["tokenizer"].tobytes())


def read_idx(path: Path) -> None:
    from powertrain.data.formats import read_idx

    read_idx(path)


def read_weights(path: Path) -> None:
    import powertrain as pt
    from powertrain.recipe.sections import Beginning
    from powertrain.train.run.pretrained import begun

    begun(pt.nn.Linear(4, 3), Beginning(weights=path), "model", False)


def read_adapters(path: Path) -> None:
    import powertrain as pt

    pt.nn.adapters.load(path, pt.nn.Sequential(pt.nn.Linear(4, 3)), strict=False)


def read_tokenizer(path: Path) -> None:
    from powertrain.data.formats import read_bytes
    from powertrain_text.tokenizer import Tokenizer

    Tokenizer.from_state({"tokenizer": np.frombuffer(read_bytes(path, "tokenizer"), np.uint8)}).encode("it was")


def read_as_class(suffixes: str) -> Read:
    """A folder of two classes, one of whose files is this one."""

    def read(path: Path) -> None:
        kind, params = _folder_plugin(suffixes)
        for label in ("a", "b"):
            (path.parent / "classes" / label).mkdir(parents=True)
        if os.path.lexists(path):
            path.rename(path.parent / "classes" / "a" / path.name)
        made = (picture("PNG") if suffixes == "pictures" else sound("WAV"))(random.Random(1))
        good = "good.png" if suffixes == "pictures" else "good.wav"
        (path.parent / "classes" / "b" / good).write_bytes(made)
        rows_of(kind.build(kind.Params(path=Path("classes"), **params), path.parent))

    return read


def _folder_plugin(kind: str) -> tuple[Any, dict[str, Any]]:
    if kind == "pictures":
        from powertrain_vision.folder import ImageFolder

        return ImageFolder, {"height": 8, "width": 8}
    from powertrain_audio.folder import AudioFolder

    return AudioFolder, {"rate": 16000, "seconds": 0.1}


def r_data(draw: random.Random) -> bytes:
    from r_data import RWriter, frame_of, written

    numbers = written(14, np.linspace(0, 9, 12).astype(">f8").tobytes(), 12)
    levels = RWriter().word(0x402, 1).text("levels").strings(["no", "yes"]).word(254).raw[len(RWriter().raw) :]
    factor = written(0x200 | 13, (np.arange(12) % 2 + 1).astype(">i4").tobytes(), 12) + levels
    return frame_of({"a": numbers, "churn": factor})


def read_r_data(path: Path) -> None:
    """The serialized table, packed as a data base packs it; damage is below the packing. A thing that is no file is the
    data base itself."""
    import zlib

    from powertrain.data.rdata import read_r_table
    from r_data import write_index

    plain = path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 20
    raw = path.read_bytes() if plain else b""
    chunk = len(raw).to_bytes(4, "big") + zlib.compress(raw)
    write_index(path.parent, {"wa_churn": (0, len(chunk))}, chunk)
    if not plain and os.path.lexists(path):
        (path.parent / "Rdata.rdb").unlink()  # a folder takes the place of no file
        path.rename(path.parent / "Rdata.rdb")
    read_r_table(path.parent, "wa_churn")


def _arrays() -> Any:
    from powertrain.builtin.data import Arrays

    return Arrays


def _text() -> Any:
    from powertrain.builtin.data import Text

    return Text


def _austen() -> Any:
    from powertrain.builtin.data import Austen

    return Austen


def _table() -> Any:
    from powertrain_tabular.table import Table

    return Table


def _parquet_columns() -> Any:
    from powertrain.builtin.data import Parquet

    return Parquet


def _arrow_columns() -> Any:
    from powertrain.builtin.data import Arrow

    return Arrow


def _text_files() -> Any:
    from powertrain_text.data import TextFiles

    return TextFiles


def _text_table() -> Any:
    from powertrain_text.data import TextTable

    return TextTable


READERS = (
    Reader("npz", "a.npz", npz, loaded(_arrays)),
    Reader("npz-plain", "a.npz", lambda draw: npz(draw, packed=False), loaded(_arrays)),
    Reader("npy", "a.npy", npy, loaded(_arrays, target_path=Path("a.npy"))),
    Reader("idx", "a.idx", idx, read_idx),
    Reader("idx-gz", "a.gz", lambda draw: gzip.compress(idx(draw), mtime=0), read_idx),
    Reader("csv", "a.csv", table, loaded(_table, target="target")),
    Reader("csv-number", "a.csv", table, loaded(_table, target="number")),
    Reader("csv-gz", "a.csv.gz", lambda draw: gzip.compress(table(draw), mtime=0), loaded(_table, target="target")),
    Reader("parquet", "a.parquet", parquet, loaded(_table, target="target")),
    Reader("parquet-columns", "a.parquet", parquet, loaded(_parquet_columns, x="number", y="target")),
    Reader("arrow-columns", "a.arrow", arrow, loaded(_arrow_columns, x=("number",), y="target")),
    Reader("text", "a.txt", texts, loaded(_text, context=4)),
    Reader("austen", "a.txt", texts, loaded(_austen, context=4)),
    Reader("text-files", "a.txt", texts, loaded(_text_files, context=4, size=300)),
    Reader("text-table", "a.csv", labelled, loaded(_text_table, context=4, size=300, kind="byte-bpe")),
    Reader("png", "a.png", picture("PNG"), read_as_class("pictures")),
    Reader("jpeg", "a.jpg", picture("JPEG"), read_as_class("pictures")),
    Reader("gif", "a.gif", picture("GIF"), read_as_class("pictures")),
    Reader("bmp", "a.bmp", picture("BMP"), read_as_class("pictures")),
    Reader("tiff", "a.tif", picture("TIFF"), read_as_class("pictures")),
    Reader("webp", "a.webp", picture("WEBP"), read_as_class("pictures")),
    Reader("ppm", "a.ppm", picture("PPM"), read_as_class("pictures")),
    Reader("wav", "a.wav", sound("WAV"), read_as_class("sounds")),
    Reader("flac", "a.flac", sound("FLAC"), read_as_class("sounds")),
    Reader("safetensors", "a.safetensors", weights, read_weights),
    Reader("adapters", "a.safetensors", adapters, read_adapters),
    Reader("tokenizer", "a.json", tokenizer, read_tokenizer),
    Reader("r-data", "a.rdata", r_data, read_r_data),
)
