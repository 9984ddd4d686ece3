"""Opening the files that people name: pipes, devices and forged sizes are refused, and no file is mapped."""

from __future__ import annotations

import ast
import gzip
import io
import os
import socket
import zipfile
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.builtin.data import Arrays, Austen, Text
from powertrain.data import ArrayDataset, DataError, npy
from powertrain.data.formats import read_arrays, read_idx, read_text
from powertrain.io import inputs
from powertrain.io.inputs import open_file, read_file
from powertrain.io.printable import printable
from powertrain.recipe import RecipeError, load_recipe
from powertrain.recipe.sections import Beginning
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.pretrained import begun

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is no regular file, each under the name of its kind."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket"))
    return tmp_path


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "socket"])
def test_what_is_no_regular_file_is_refused(folder: Path, kind: str) -> None:
    with pytest.raises(OSError) as caught:
        open_file(folder / kind)
    assert caught.value.strerror == f"it is a {kind}, not a regular file"
    assert caught.value.filename == str(folder / kind)


def test_a_pipe_that_takes_the_place_of_a_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the path and the opening of it."""
    (folder / "file").write_bytes(b"a")
    status = (folder / "file").stat()
    monkeypatch.setattr(Path, "stat", lambda self: status)
    with pytest.raises(OSError, match="it is a pipe, not a regular file"):
        open_file(folder / "pipe")


def test_a_name_with_a_nul_is_refused() -> None:
    with pytest.raises(OSError, match="the path holds a NUL character"):
        open_file("a\0b")


def test_a_file_is_read_whole_up_to_a_limit(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "a").write_bytes(content)
    assert read_file(tmp_path / "a") == content == read_file(tmp_path / "a", len(content))
    with pytest.raises(OSError) as caught:
        read_file(tmp_path / "a", len(content) - 1)
    assert caught.value.strerror == "it has 2,560,000 bytes or more; at most 2,559,999 are read"
    (tmp_path / "empty").write_bytes(b"")
    assert read_file(tmp_path / "empty") == b""


def test_a_file_of_the_system_that_states_no_size(tmp_path: Path) -> None:
    path = Path("/proc/self/status")
    if not path.exists():
        pytest.skip("this system has no /proc")
    assert b"VmPeak" in read_file(path)
    with pytest.raises(OSError, match="it has 65 bytes or more; at most 64 are read"):
        read_file(path, 64)


def test_terabytes_of_nothing_are_refused_before_they_are_read(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(1 << 42)
    with pytest.raises(DataError) as caught:
        read_text(tmp_path / "a.txt", "text")
    assert str(caught.value) == (
        f"[text] {tmp_path / 'a.txt'}: it has 4,398,046,511,104 bytes or more; at most {inputs.max_input_bytes():,} "
        "are read; expected a readable file; check the path"
    )


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "socket"])
def test_every_reader_refuses_it(folder: Path, kind: str) -> None:
    path = folder / kind
    readers = {
        "text": lambda: Text.build(Text.Params(path=Path(kind)), folder),
        "arrays": lambda: read_arrays(path),
        "idx": lambda: read_idx(path),
        "arrays by name": lambda: Arrays.build(Arrays.Params(path=Path(kind), target_path=Path(kind)), folder),
    }
    for name, read in readers.items():
        with pytest.raises(DataError, match=f"it is a {kind}, not a regular file"):
            read()
        assert name
    path.rename(folder / "Rdata.rdx")
    (folder / "Rdata.rdb").write_bytes(b"")
    with pytest.raises(DataError):
        Austen.build(Austen.Params(path=Path()), folder)


@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_a_recipe_and_its_python_file_are_opened_likewise(folder: Path, kind: str) -> None:
    (folder / kind).rename(folder / "recipe.toml")
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(folder / "recipe.toml"))
    assert str(caught.value) == (
        f"[recipe.toml] it could not be read: it is a {kind}, not a regular file; expected a TOML file"
    )


# ---------------------------------------------------------------- sizes that headers state


def header(shape: str, dtype: str = "'|u1'") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (header("(9223372036854775807,)"), "0 bytes of numbers for uint8[9223372036854775807], which takes 9,223,"),
        (header("(4294967296, 4294967296)"), "0 bytes of numbers for uint8[4294967296, 4294967296], which takes 18,"),
        (header("(-1,)"), "a shape of (-1,)"),
        (header("(True,)"), "a shape of (True,)"),
        (header("2"), "a shape of 2"),
        (header("(1,)", "'|O'"), "elements of the kind '|O'"),
        (header("(1,)", "[('a', '<i4')]"), "elements of the kind \"[('a', '<i4')]\""),
        (header("(0,)", "'<U0'"), "elements of the kind '<U0'"),
        (header("(" * 3000), "a header that cannot be read"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "a header of 65,535 bytes in a file of 11"),
        (b"\x93NUMPY\x09\x00\x01\x00{", "version 9 of the format; 1 to 3 are known"),
        (header("(3,)") + b"ab", "2 bytes of numbers for uint8[3], which takes 3"),
        (header("(3,)") + b"abcd", "4 bytes of numbers for uint8[3], which takes 3"),
    ],
)
def test_a_header_is_compared_with_the_file_before_memory_is_taken(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    for name, before in (("a.npy", ""), ("a.npz", "x: ")):
        with pytest.raises(DataError) as caught:
            read_arrays(tmp_path / name)
        assert str(caught.value).startswith(f"[arrays] {tmp_path / name}: {before}{said}")


def test_a_packed_file_that_unpacks_to_more_than_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("powertrain.data.formats", "powertrain.data.npy"):
        monkeypatch.setattr(f"{module}.max_input_bytes", lambda: 5_000_000)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(3_000_000, np.uint8), y=np.zeros(3_000_000, np.uint8))
    with pytest.raises(DataError, match="it unpacks to 6,000,256 bytes; at most 5,000,000 are read"):
        read_arrays(tmp_path / "a.npz")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(bytes(6_000_000)))
    with pytest.raises(DataError, match="unpacks to more than 5,000,000 bytes; expected a file that fits"):
        read_text(tmp_path / "a.txt.gz", "text")
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"\0\0\x08\x02" + (1 << 31).to_bytes(4, "big") * 2))
    with pytest.raises(DataError, match="says that it holds 4,611,686,018,427,387,904 bytes in 2 axes"):
        read_idx(tmp_path / "a.gz")


# ---------------------------------------------------------------- arrays that stay in their file


@pytest.fixture
def small_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npy, "max_input_bytes", lambda: 1000)


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "|u1", "|b1"])
def test_rows_of_an_array_that_is_too_large(tmp_path: Path, small_room: None, dtype: str) -> None:
    array = (np.random.default_rng(0).normal(size=(700, 3, 5)) * 50).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    stored = npy.open_array(tmp_path / "a.npy")
    assert isinstance(stored, npy.StoredArray)
    rows = np.array([5, 6, 7, 0, 699, 698, 5, 5, 8, 9])
    pairs = ((stored.take(rows), array.take(rows, axis=0)), (stored[3], array[3]), (stored[690:], array[690:]))
    for got, want in pairs:
        assert got.dtype == want.dtype.newbyteorder("=") and got.shape == want.shape and (got == want).all()
    assert (stored.shape, stored.ndim, stored.nbytes, len(stored)) == (array.shape, 3, array.nbytes, 700)
    with pytest.raises(IndexError, match="rows 0 to 700 of 700"):
        stored.take(np.array([0, 700]))


def test_a_data_set_trains_from_such_an_array(tmp_path: Path, small_room: None) -> None:
    x = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.arange(300).astype(np.uint8) % 3)
    data = Arrays.build(Arrays.Params(path=Path("x.npy"), target_path=Path("y.npy")), tmp_path)
    assert isinstance(data.train, ArrayDataset) and isinstance(data.train.arrays["x"], npy.StoredArray)
    assert (data.train.fetch(np.array([7, 2]))["x"] == x[[7, 2]]).all()


def test_a_file_that_is_cut_off_meanwhile_is_an_error(tmp_path: Path, small_room: None) -> None:
    """Of a mapped file, reading a row would end the process by SIGBUS."""
    path = tmp_path / "a.npy"
    np.save(path, np.arange(80_000, dtype=np.int64).reshape(1000, 80))
    source = ArrayDataset(x=npy.open_array(path))
    before = path.stat().st_size
    os.truncate(path, 4096)
    assert source.fetch(np.array([1]))["x"][0, 0] == 80
    with pytest.raises(DataError) as caught:
        source.fetch(np.array([0, 999]))
    assert str(caught.value) == (
        f"[arrays {path}] it was cut off: it has 4,096 bytes now, too few for row 999; expected the {before:,} bytes "
        "that it had when it was opened; leave the file as it is while something reads it"
    )


# ---------------------------------------------------------------- weights


def test_weights_are_read_and_not_mapped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.numpy import save

    weight = np.arange(12, dtype=np.float32).reshape(4, 3)
    (folder / "w").write_bytes(save({"weight": weight, "bias": np.zeros(3, np.float32)}))
    monkeypatch.setattr("safetensors.numpy.load_file", None)  # which maps
    model = pt.nn.Linear(4, 3)
    begun(model, Beginning(weights=folder / "w"), "model", False)
    assert (model.weight.value.numpy() == weight).all()


@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_weights_that_are_no_file(folder: Path, kind: str) -> None:
    with pytest.raises(RunError) as caught:
        begun(pt.nn.Linear(4, 3), Beginning(weights=folder / kind), "model", False)
    assert f"it is a {kind}, not a regular file" in str(caught.value)


@pytest.mark.parametrize(
    "header",
    [
        b'{"weight":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]}}',
        b'{"weight":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}',
        b'{"weight":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4]}}',
        b'{"weight":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
        b"{" * 4000,
    ],
)
def test_weights_with_a_forged_header(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "w").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(RunError, match=r"^\[model.model.weights\] .* expected "):
        begun(pt.nn.Linear(4, 3), Beginning(weights=tmp_path / "w"), "model", False)


# ---------------------------------------------------------------- nobody goes around it

# Files that the engine writes itself, and those of installed packages.
OWN = (
    "io/inputs.py", "io/files.py", "io/direct.py", "io/console.py", "train/report/energy.py", "train/report/process.py",
    "plugin/discovery.py", "plugin/importing.py", "io/pages.py", "cli/scaffold.py", "cli/templates/tests.py",
    "conformance/", "cli/bench/", "builtin/exporters/", "cli/templates/exporter.py", "models/folders.py",
    "charts/", "train/report/leaderboard.py", "live/load.py", "live/page.py",
    "train/workers/shared_memory.py",
)  # fmt: skip
# Methods and functions that open a file, or may; of `load` NumPy's alone.
OPENING = {
    "open", "read_bytes", "read_text", "np.load", "fromfile", "memmap", "mmap", "loadtxt", "genfromtxt", "load_file",
    "safe_open", "read_table", "read_csv", "SoundFile", "from_file", "ZipFile", "GzipFile",
}  # fmt: skip
OURS = {"read_text", "read_bytes", "read_table"}  # functions of these names read through open_file
# Files of plugins that fetch, run another program, or open by name with flags of their own; and those of the person who
# starts a server.
ELSEWHERE = (
    "/fetch.py", "/speak.py", "powertrain_onnx/files.py", "powertrain_serve/wanted.py", "powertrain_serve/settings.py",
)  # fmt: skip
# What is open already, in memory, or of a network.
HANDED = (
    "file", "info", "fileobj=file", "io.BytesIO(", "pa.BufferReader(", "request, ",
)  # fmt: skip


def test_input_files_are_opened_in_one_place() -> None:
    """`inputs.open_file` alone: who opens by name waits for a pipe, and a mapped file may end the process."""
    engine = ROOT / "python" / "powertrain"
    plugins = [path for path in ROOT.glob("plugins/*/src/**/*.py") if not path.as_posix().endswith(ELSEWHERE)]
    sources = [path for path in engine.rglob("*.py") if not str(path.relative_to(engine)).startswith(OWN)]
    assert len(sources) > 150 and len(plugins) > 30
    found = [f"{path.relative_to(ROOT)}:{said}" for path in [*sources, *plugins] for said in openings(path)]
    assert found == []


def openings(path: Path) -> list[str]:
    """Calls in a module that open a file in another way."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        told = ast.unparse(node.func)
        name = told if told == "np.load" else told.rpartition(".")[2]
        handed = ", ".join(map(ast.unparse, [*node.args, *node.keywords])).startswith(HANDED)
        ours = isinstance(node.func, ast.Name) and name in OURS
        if name in OPENING and not handed and not ours:
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("open(path)", True),
        ("path.open('rb')", True),
        ("os.open(path, 0)", True),
        ("np.load(path, mmap_mode='r')", True),
        ("np.memmap(path)", True),
        ("soundfile.SoundFile(path)", True),
        ("pa_csv.read_csv(path)", True),
        ("path.read_text()", True),
        ("np.load(io.BytesIO(data))", False),
        ("read_text(path, 'predict')", False),
        ("image_module.open(file, formats=FORMATS)", False),
    ],
)
def test_other_ways_of_opening_are_seen(tmp_path: Path, line: str, seen: bool) -> None:
    (tmp_path / "a.py").write_text(line + "\n")
    assert bool(openings(tmp_path / "a.py")) is seen


# ---------------------------------------------------------------- what is shown


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("plain, naïve, 日本 \U0001f600", "plain, naïve, 日本 \U0001f600"),
        ("a\x1b[31mb\x07", r"a\x1b[31mb\x07"),
        ("a\u202eb\u2066c\u200bd\ufeff", r"a\u202eb\u2066c\u200bd\ufeff"),
        ("a\nb\tc\rd\x7f\x85", r"a\nb\tc\rd\x7f\x85"),
        ("a\u2028b\udc80", r"a\u2028b\udc80"),
    ],
)
def test_what_does_not_print_is_shown_as_its_escape(text: str, want: str) -> None:
    assert printable(text) == want and printable(text).isprintable()


def test_lines_can_be_kept() -> None:
    assert printable("a\nb\x1b\tc", keep="\n\t") == "a\nb\\x1b\tc"


def test_errors_about_data_show_escapes(tmp_path: Path) -> None:
    name = "\x1b[2Ja\u202e.npz"
    with zipfile.ZipFile(io.BytesIO(), "w"), pytest.raises(DataError) as caught:
        read_arrays(tmp_path / name)
    assert str(caught.value).isprintable() and r"\x1b[2Ja\u202e.npz" in str(caught.value)
