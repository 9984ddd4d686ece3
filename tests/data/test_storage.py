"""Files of a URL: the same rows as from a path, and clear errors where nothing comes."""

from __future__ import annotations

import io
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError, DataLoader, ParquetDataset, TarDataset, Url, located, read_bytes, storage
from powertrain.plugin import PluginError, trust

fsspec = pytest.importorskip("fsspec", reason="fsspec reads URLs")


class Server(ThreadingHTTPServer):
    """Files by name, with ranges of bytes. `failures` is how many further requests get the answer 503."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.failures, self.ranges, self.breaks_off = 0, True, False
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *said: object) -> None: ...

    def do_HEAD(self) -> None:
        self.answer(with_content=False)

    def do_GET(self) -> None:
        self.answer(with_content=True)

    def answer(self, *, with_content: bool) -> None:
        server, name = self.server, self.path.partition("?")[0].lstrip("/")
        server.asked.append(name)
        if server.failures or name not in server.files:
            server.failures = max(0, server.failures - 1)
            self.send_error(503 if name in server.files else 404)
            return
        content, span = server.files[name], self.headers.get("Range", "")
        if server.ranges and (found := re.fullmatch(r"bytes=(\d+)-(\d+)", span)):
            content = content[int(found[1]) : int(found[2]) + 1]
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if with_content:
            self.wfile.write(content[: len(content) // 2] if server.breaks_off else content)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    pytest.importorskip("aiohttp", reason="aiohttp speaks HTTP for fsspec")
    monkeypatch.setattr(storage, "_WAIT_SECONDS", 0)
    with Server() as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An object store of this process, with an empty bucket."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    with pytest.MonkeyPatch.context() as patch:
        made = server.ThreadedMotoServer("127.0.0.1", port=0)
        made.start()
        host, port = made.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            patch.setenv(name, "us-east-1")
        fsspec.filesystem("s3").mkdir("bucket")
        yield "s3://bucket"
        made.stop()


class Places:
    """Where the same files lie: below a folder, in memory, at a web server, in an object store."""

    def __init__(self, kind: str, folder: Path, request: pytest.FixtureRequest) -> None:
        self.kind, self.folder = kind, folder
        self.server: Server | None = request.getfixturevalue("server") if kind == "http" else None
        self.bucket = request.getfixturevalue("bucket") if kind == "s3" else ""

    def put(self, name: str, content: bytes) -> str:
        if self.server is not None:
            self.server.files[name] = content
            return f"{self.server.url}/{name}"
        if self.bucket:
            url = f"{self.bucket}/{self.folder.name}/{name}"
            fsspec.filesystem("s3").pipe_file(url, content)
            return url
        if self.kind == "memory":
            fsspec.filesystem("memory").pipe_file(f"/{self.folder.name}/{name}", content)
            return f"memory://{self.folder.name}/{name}"
        (self.folder / name).write_bytes(content)
        return f"{'file://' if self.kind == 'file' else ''}{self.folder / name}"


@pytest.fixture(params=["path", "file", "memory", "http", "s3"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    return Places(request.param, tmp_path, request)


def parquet(first: int, count: int = 40) -> bytes:
    pa = pytest.importorskip("pyarrow", reason="pyarrow reads Parquet files")
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow reads Parquet files")
    out, rows = io.BytesIO(), np.arange(first, first + count)
    pq.write_table(pa.table({"x": rows.astype(np.float32), "y": rows % 3}), out, row_group_size=8)
    return out.getvalue()


def tar(first: int, count: int = 20) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for row in range(first, first + count):
            for ending, content in (("txt", f"row {row}"), ("cls", str(row % 3))):
                info = tarfile.TarInfo(f"{row:04}.{ending}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content.encode()))
    return out.getvalue()


def test_parquet_rows_and_batches_are_those_of_a_path(places: Places) -> None:
    paths = [places.put(f"t-{at}.parquet", parquet(40 * at)) for at in range(2)]
    data = ParquetDataset(paths, ("x", "y"), shuffle_groups=2)
    assert data.fetch(np.array([79, 0, 41]))["x"].tolist() == [79, 0, 41]

    def batches(workers: int) -> list[Any]:
        loader = DataLoader(data, 8, shuffle=True, seed=1, num_workers=workers)
        return [x.tolist() for x, _ in loader]

    wanted = batches(0)
    assert sorted(np.concatenate(wanted).tolist()) == list(range(80))
    assert batches(1) == batches(2) == batches(8) == wanted
    if places.kind != "http":
        pattern = paths[0].replace("t-0", "t-*")
        assert len(ParquetDataset(pattern, ("x", "y"))) == 80


def test_arrow_rows_are_those_of_a_path(places: Places) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow reads Arrow files")
    table, out = pa.table({"x": np.arange(30)}), io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=8)
    data = pt.data.ArrowDataset(places.put("a.arrow", out.getvalue()), "x")
    assert data.fetch(np.array([29, 3]))["x"].tolist() == [29, 3]


def test_tar_members_are_those_of_a_path(places: Places) -> None:
    paths = [places.put(f"t-{at}.tar", tar(20 * at)) for at in range(2)]
    data = TarDataset(paths, ("txt", "cls"))
    assert len(data) == 40 and data[33] == ("row 33", 0) and data[0] == ("row 0", 0)


def test_texts_and_tables_are_those_of_a_path(places: Places, tmp_path: Path) -> None:
    text = "To be, or not to be, that is the question. " * 9
    recipe = {"use": "text", "path": places.put("input.txt", text.encode()), "context": 16, "valid": 0.2}
    run = pt.fit(model={"use": "gpt", "layers": 1, "heads": 1, "width": 8}, data=recipe, steps=2, verbose=False)
    assert np.isfinite(run.evaluate("valid")["loss"])
    pytest.importorskip("powertrain_tabular", reason="powertrain-tabular reads tables")
    place = places.put("people.csv", b"age,plan,left\n" + b"34,basic,no\n51,plus,yes\n" * 8)
    assert pt.data.read_csv(place, target="left").labels == ("no", "yes")


def test_a_member_of_an_archive(tmp_path: Path, server: Server) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/a.txt", "to be")
    (tmp_path / "a.zip").write_bytes(out.getvalue())
    server.files["a.zip"] = out.getvalue()
    for place in (tmp_path / "a.zip", f"file://{tmp_path}/a.zip", f"{server.url}/a.zip"):
        assert read_bytes(f"zip://data/a.txt::{place}") == b"to be"
    assert str(located("zip://data/a.txt::a.zip", tmp_path)) == f"zip://data/a.txt::{tmp_path}/a.zip"
    (tmp_path / "broken.zip").write_bytes(out.getvalue()[:-30])
    for url, said in (
        (f"zip://b.txt::{tmp_path}/a.zip", f"no b.txt in {tmp_path}/a.zip; expected a file in it"),
        (f"zip://b.txt::{tmp_path}/none.zip", f"zip://b.txt::{tmp_path}/none.zip: No such file or directory"),
        (f"zip://b.txt::{tmp_path}/broken.zip", f"zip://b.txt::{tmp_path}/broken.zip: File is not a zip file"),
        (f"zip://{tmp_path}/a.zip", f"zip://{tmp_path}/a.zip; expected a file in an archive, and the archive"),
    ):
        with pytest.raises(DataError, match=re.escape(f"[mine] {said}")):
            read_bytes(url, "mine")
    with pytest.raises(DataError, match=r"a file in an archive; expected one that can be read from"):
        TarDataset(f"zip://data/a.txt::{tmp_path}/a.zip", ("txt",))


def test_a_connection_that_breaks_is_tried_again_a_few_times(server: Server) -> None:
    server.files["a.txt"] = b"to be"
    server.failures = 3
    assert read_bytes(f"{server.url}/a.txt") == b"to be"
    server.failures, server.asked = 1 << 20, []
    with pytest.raises(DataError) as caught:
        read_bytes(f"{server.url}/a.txt?key=secret", "mine")
    said = str(caught.value)
    assert said.startswith(f"[mine] {server.url}/a.txt, at attempt 4: ") and "secret" not in said
    assert 4 <= len(server.asked) <= 8  # fsspec asks by HEAD, and where that fails by GET
    server.failures, server.breaks_off = 0, True
    with pytest.raises(DataError, match=rf"{server.url}/a\.txt, at attempt 4: "):
        read_bytes(f"{server.url}/a.txt")


def test_a_server_that_cannot_be_read_in_ranges(server: Server) -> None:
    server.files["a.parquet"], server.ranges = parquet(0), False
    assert read_bytes(f"{server.url}/a.parquet") == parquet(0)
    with pytest.raises(DataError, match=r"received [\d,]+ of [\d,]+ requested bytes; expected the requested ranges"):
        ParquetDataset(f"{server.url}/a.parquet", "x").fetch(np.array([39]))


def test_what_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "max_input_bytes", lambda: 4)
    server.files["a.txt"] = b"to be"
    for url, said in (
        (f"{server.url}/none", f"nothing at {server.url}/none; expected a file; check the address"),
        ("memory://none/a", "nothing at memory://none/a; expected a file"),
        ("ftp://host/a", "ftp://host/a, of the scheme ftp; expected one of file, http, https, memory, s3, zip; fetch"),
        ("python://os/a", "python://os/a, of the scheme python; expected one of file"),
        (f"{server.url}/a.txt", f"{server.url}/a.txt has 5 bytes; expected at most 4, since it is read as a whole"),
    ):
        with pytest.raises(DataError, match=re.escape(f"[mine] {said}")):
            read_bytes(url, "mine")
    with pytest.raises(DataError, match=r"the pattern http.* expected a URL without \*"):
        TarDataset(f"{server.url}/*.tar", ("txt",))


@pytest.mark.parametrize(("module", "extra"), [("fsspec", "s3"), ("s3fs", "s3")])
def test_without_a_library_the_line_that_installs_it(module: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = storage.importlib.util.find_spec
    monkeypatch.setattr(storage.importlib.util, "find_spec", lambda name: None if name == module else found(name))
    with pytest.raises(DataError) as caught:
        read_bytes("s3://bucket/a.txt", "mine")
    assert str(caught.value) == (
        f"[mine] s3://bucket/a.txt, and {module} is not installed; expected it, since it reads s3://; pip install "
        f"'powertrain[{extra}]'"
    )


def test_urls_are_shown_without_secrets() -> None:
    url = located("https://me:word@host:8080/a/b%20c.tar.gz?key=secret")
    assert isinstance(url, Url) and str(url) == "https://host:8080/a/b%20c.tar.gz"
    assert str(located("zip://a.txt::https://me:word@host/a.zip?key=secret")) == "zip://a.txt::https://host/a.zip"
    assert (url.name, url.stem, url.suffix) == ("b c.tar.gz", "b c.tar", ".gz")
    assert located("file:///a/b%20c") == Path("/a/b c") and located("a", Path("/b")) == Path("/b/a")


# ---------------------------------------------------------------- who may ask

RECIPE = """
data      = { use = "text", path = "URL", context = 4 }
model     = { use = "gpt", layers = 1, heads = 1, width = 8 }
optimizer = { use = "sgd", lr = 0.01 }
run       = { until = "2 steps", batch_size = 2 }
"""


def test_a_run_of_somebody_else_asks_for_consent_before_its_url_is_read(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server.files["input.txt"] = b"to be, or not to be " * 9
    Path("mine.toml").write_text(RECIPE.replace("URL", f"{server.url}/input.txt"))
    run = pt.fit("mine.toml", folder="runs/mine", verbose=False)
    assert pt.load("runs/mine").evaluate("valid") == run.evaluate("valid")  # trained with here: no question
    monkeypatch.setattr(trust, "remembered", set)
    server.asked = []
    with pytest.raises((PluginError, pt.Error), match=r"/input\.txt is read by the recipe in the folder of a run"):
        pt.load("runs/mine").evaluate("valid")
    assert server.asked == []
    assert pt.load("runs/mine", trust=True).evaluate("valid") == run.evaluate("valid")
