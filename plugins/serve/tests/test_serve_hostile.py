"""Hostile requests: each is answered by a status of 400 or more with a reason, and the server goes on."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import socket
import struct
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from serve_client import ask, connected, raw

from powertrain_serve import Limits, Settings, running

V2 = "/v2/models/digits/infer"
ZEROS = [[0.0] * 8] * 8


class Row(NamedTuple):
    name: str
    status: int
    reason: str  # what the answer says
    path: str = "/predict"
    body: bytes = b""
    headers: tuple[str, ...] = ("Content-Type: application/json",)
    method: str = "POST"


def head(row: Row, length: int | None = None) -> bytes:
    size = len(row.body) if length is None else length
    lines = [f"{row.method} {row.path} HTTP/1.1", "Host: localhost", *row.headers, f"Content-Length: {size}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def predict(name: str, reason: str, examples: Any, status: int = 400) -> Row:
    return Row(name, status, reason, body=json.dumps({"examples": examples}).encode())


def text(name: str, reason: str, body: bytes, status: int = 400, path: str = "/predict") -> Row:
    return Row(name, status, reason, path, body)


def infer(title: str, reason: str, status: int = 400, **changed: Any) -> Row:
    """A sound request with something changed in its only input."""
    entry = {"name": "x", "shape": [1, 8, 8], "datatype": "FP32", "data": [0.0] * 64, **changed}
    entry = {key: value for key, value in entry.items() if value is not ...}
    return Row(title, status, reason, V2, json.dumps({"inputs": [entry]}).encode())


def binary(name: str, reason: str, header: str, body: bytes, status: int = 400) -> Row:
    headers = ("Content-Type: application/octet-stream", f"Inference-Header-Content-Length: {header}")
    return Row(name, status, reason, V2, body, headers)


def file(name: str, reason: str, kind: str, body: bytes, status: int = 400) -> Row:
    return Row(name, status, reason, body=body, headers=(f"Content-Type: {kind}",))


def npy(header: str, content: bytes = b"") -> bytes:
    written = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(written)) + written + content


def zipped() -> bytes:
    """An .npz of 64 megabytes of zeros in 64 kilobytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        inner = io.BytesIO()
        np.save(inner, np.zeros(1 << 23))
        archive.writestr("x.npy", inner.getvalue())
    return written.getvalue()


def bomb_picture() -> bytes:
    """A PNG that says it has 30,000 x 30,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(1 << 16))) + chunk(b"IEND", b"")
    )  # fmt: skip


_SOUND = json.dumps({"examples": [ZEROS]}).encode()
_HEAD = json.dumps({"inputs": [{"name": "x", "shape": [1, 8, 8], "datatype": "FP32",
                                "parameters": {"binary_data_size": 256}}]}).encode()  # fmt: skip

ROWS = [
    # JSON that is none, or of another form.
    text("nothing", "not JSON", b""),
    text("half", "not JSON", b'{"examples": [[1, 2'),
    text("words", "not JSON", b"hello"),
    text("not UTF-8", "not UTF-8", b'{"examples": ["\xff\xfe"]}'),
    text("half a surrogate", "not UTF-8", b'{"examples": ["\\ud800"]}'),
    text("deep", "nested too deeply", b"[" * 200_000),
    text("deep objects", "nested too deeply", b'{"a":' * 100_000),
    text("deep in place", "of different shapes", b'{"examples": ' + b"[" * 200 + b"]" * 200 + b"}"),
    text("NaN", "not a number in JSON", b'{"examples": [[NaN]]}'),
    text("Infinity", "not a number in JSON", b'{"examples": [[-Infinity]]}'),
    text("a number of a million digits", "not JSON", b'{"examples": [[' + b"9" * 500_000 + b"]]}"),
    text("1e999", "infinity in row 0", json.dumps({"examples": [ZEROS]}).replace("0.0", "1e999").encode()),
    text("1e300", "beyond 3.4e38", json.dumps({"examples": [ZEROS]}).replace("0.0", "1e300").encode()),
    text("a list", "expected {", b"[1, 2, 3]"),
    text("a number", "expected {", b"7"),
    text("another key", "expected {", b'{"instances": [[1]]}'),
    text("more keys", "expected {", b'{"examples": [[1]], "__proto__": {}}'),
    text("no list", "expected {", b'{"examples": "all"}'),
    text("two values after each other", "not JSON", b'{"examples": [[1]]} {}'),
    # Examples that are none.
    predict("no examples", "no examples", []),
    predict("texts", "expected numbers", ["a", "b"]),
    predict("rows", "expected numbers", [{"a": 1}]),
    predict("another shape", "expected numbers of shape", [[1.0] * 64]),
    predict("rows of several lengths", "of different shapes", [[1.0], [1.0, 2.0]]),
    predict("an object among numbers", "[predict]", [[[{}] * 8] * 8]),
    predict("null", "[predict]", [[[None] * 8] * 8]),
    predict("texts in place of numbers", "examples: texts among the numbers; expected numbers", [[["1"] * 8] * 8]),
    # NumPy would make 100,000 letters of each of them.
    predict("a long text among empty ones", "examples: texts among the numbers", [["a" * 100_000, *[""] * 2000]]),
    infer("a long text in data", "input 'x': texts among the numbers", data=["a" * 100_000, *[""] * 63]),
    predict("numbers beyond 64 bits", "[predict]", [[[10**30] * 8] * 8]),
    predict("too many", "expected at most 256", [[[0] * 8] * 8] * 257, 413),
    predict("empty examples", "expected numbers of shape", [[]]),
    # Files.
    file("no .npy", "not a .npy file", "application/x-npy", b"hello"),
    file("a zip bomb", "not a .npy file", "application/x-npy", zipped()),
    file("a pickle", "elements of the kind", "application/x-npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cos\nsystem\n")),
    file("a huge shape", "bytes of numbers", "application/x-npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 8, 8), }")),
    file("a negative shape", "a shape of", "application/x-npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 8, 8), }")),
    file("a header that is code", "a header that cannot be read", "application/x-npy", npy("__import__('os').abort()")),
    file("NaN in .npy", "NaN in row 0", "application/x-npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 8, 8), }", np.full(64, np.nan, "<f4").tobytes())),
    file("texts in .npy", "elements of <U1", "application/x-npy", npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1, 8, 8), }", bytes(256))),
    file("a picture for numbers", "expected application/json", "image/png", bomb_picture(), 415),
    file("a table for numbers", "expected application/json", "text/csv", b"a,b\n1,2\n", 415),
    file("another type", "set Content-Type", "application/x-python", b"print()", 415),
    file("a form", "set Content-Type", "multipart/form-data; boundary=x", b"--x--", 415),
    file("a type of 10,000 letters", "set Content-Type", "a" * 10_000, b"1", 415),
    Row("no type", 415, "set Content-Type", body=_SOUND, headers=()),
    # Encodings.
    Row("a gzip bomb", 415, "a compressed body", body=gzip.compress(bytes(1 << 22)), headers=("Content-Type: application/json", "Content-Encoding: gzip")),
    Row("an unknown encoding", 415, "a compressed body", body=b"x", headers=("Content-Type: application/json", "Content-Encoding: gzip, br, identity")),
    # The Open Inference Protocol.
    text("no inputs", "another form", b"{}", path=V2),
    text("inputs of another form", "another form", b'{"inputs": {}}', path=V2),
    text("an input of another form", "without a name", b'{"inputs": [7]}', path=V2),
    text("no input at all", "inputs none", b'{"inputs": []}', path=V2),
    infer("another datatype", "expected one of BOOL", datatype="FLOAT"),
    infer("a datatype that is a list", "expected one of BOOL", datatype=[["FP32"]]),
    infer("texts for numbers", "expected FP32", datatype="BYTES", data=["a"] * 64),
    infer("another name", "expected x", name="y"),
    infer("no shape", "of shape None", shape=...),
    infer("a negative axis", "of shape [-1", shape=[-1, 8, 8]),
    infer("a shape beyond all numbers", "of shape", shape=[10**30]),
    infer("a shape of many axes", "of shape", shape=[1] * 100),
    infer("a shape of another size", "64 elements; expected 128", shape=[2, 8, 8]),
    infer("another shape of the same size", "expected numbers of shape", shape=[1, 64]),
    infer("no example", "empty ones", shape=[0, 8, 8], data=[]),
    infer("a scalar", "64 elements; expected 1", shape=[]),
    infer("no data", "without data", data=...),
    infer("data that are a text", "not a list", data="0" * 64),
    infer("data of texts", "input 'x': texts among the numbers; expected numbers", data=["0"] * 64),
    infer("data of several depths", "different lengths", data=[0.0, [0.0]] * 32),
    infer("numbers beyond the datatype", "beyond UINT8", datatype="UINT8", data=[300] * 64),
    infer("fractions as whole numbers", "other values than INT32", datatype="INT32", data=[0.5] * 64),
    infer("data and bytes", "expected one of them", parameters={"binary_data_size": 4}),
    infer("too many examples", "expected at most 256", 413, shape=[300, 8, 8], data=[0] * 19200),
    text("outputs that are none", "outputs of another form", json.dumps({"inputs": [{"name": "x", "shape": [1, 8, 8], "datatype": "FP32", "data": [0] * 64}], "outputs": [{"name": "secret"}]}).encode(), path=V2),
    text("an input twice", "twice", json.dumps({"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [0]}] * 2}).encode(), path=V2),
    text("an id that is an object", "an id", b'{"id": {}, "inputs": []}', path=V2),
    binary("a head beyond the body", "expected at most the body", "9999999", _HEAD + bytes(256)),
    binary("a negative head", "expected at most the body", "-1", _HEAD + bytes(256)),
    binary("a head of letters", "expected at most the body", "0x10", _HEAD + bytes(256)),
    binary("a head of many digits", "expected at most the body", "9" * 5000, _HEAD + bytes(256)),
    binary("too few bytes", "expected what follows the JSON", str(len(_HEAD)), _HEAD + bytes(16)),
    binary("too many bytes", "bytes that are of no input", str(len(_HEAD)), _HEAD + bytes(300)),
    binary("NaN as bytes", "NaN in row 0", str(len(_HEAD)), _HEAD + np.full(64, np.nan, "<f4").tobytes()),
    # Paths.
    text("another model", "model 'cats'", _SOUND, 404, "/v2/models/cats/infer"),
    text("another version", "version '2'", _SOUND, 404, "/v2/models/digits/versions/2/infer"),
    text("a path upwards", "Not Found", _SOUND, 404, "/v2/models/../../etc/passwd"),
    text("an encoded path upwards", "Not Found", _SOUND, 404, "/models/..%2f..%2fetc%2fpasswd/predict"),
    text("a NUL in a path", "model '\\x00'", _SOUND, 404, "/models/%00/predict"),
    text("a long path", "model 'aaa", _SOUND, 404, f"/models/{'a' * 20_000}/predict"),
    text("two slashes", "Not Found", _SOUND, 404, "//predict"),
    text("another method", "Method Not Allowed", b"", 405)._replace(method="DELETE"),
    text("a method of its own", "not an HTTP/1.1 request", b"", 400)._replace(method="PREDICT"),
    # Hosts and lengths.
    Row("a body that says it is huge", 413, "expected at most 1,048,576", headers=("Content-Type: application/json", "Expect: 100-continue"), body=bytes((1 << 20) + 1)),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_hostile_request_is_told_why(row: Row, served: str) -> None:
    began = time.monotonic()
    said = raw(served, head(row) + row.body)
    status, body = int(said.split(b" ", 2)[1]), said.partition(b"\r\n\r\n")[2]
    assert status == row.status, said[:500]
    assert row.reason in json.loads(body)["error"], body
    assert time.monotonic() - began < 5
    assert ask(served, "/v2/health/live").status == 200


def test_there_are_many() -> None:
    assert len(ROWS) >= 60 and len({row.name for row in ROWS}) == len(ROWS)


# Bytes that are no request, which the parser of HTTP refuses.
BROKEN = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": bytes.fromhex("160301020001000001fc0303") + bytes(100),
    "a head without an end of 64 kilobytes": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (64 << 10),
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    "two lengths": b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a negative length": b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "a length of letters": b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x10\r\n\r\n",
    "two hosts": b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "no host": b"GET /v2 HTTP/1.1\r\n\r\n",
    "a header in two lines": b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nX\x00Y: 1\r\n\r\n",
    "a space before the colon": b"GET /v2 HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "an encoding of its own": b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a chunk of no number": b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a path in no ASCII": b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/0.9": b"GET /v2\r\n\r\n",
    "another version": b"GET /v2 HTTP/2.0\r\nHost: localhost\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "lines that end in LF": b"GET /v2 HTTP/1.1\nHost: localhost\n\n",
    "a length and chunks": b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\n",
    "a length of 30 digits": b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_request_is_refused(name: str, served: str) -> None:
    said = raw(served, BROKEN[name])
    assert said.startswith(b"HTTP/1.1 4"), said[:200]
    assert "; expected " in json.loads(said.partition(b"\r\n\r\n")[2])["error"]
    assert ask(served, "/v2/health/live").status == 200


def test_another_host_is_refused(served: str) -> None:
    """A page in a browser may have a name of its own for 127.0.0.1."""
    for host in ("evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]"):
        said = ask(served, "/v2", headers={"Host": host})
        assert said.status == 421 and "expected localhost" in said.json["error"]
    for host in ("localhost", "localhost:1", "127.0.0.1:80", "[::1]:80"):
        assert ask(served, "/v2", headers={"Host": host}).status == 200


FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "{self}"},
    {"Sec-Fetch-Site": "nonsense"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: " ".join(headers.values()))
@pytest.mark.parametrize("path", ["/v2/repository/models/digits/load", "/v2/repository/index", "/predict"])
def test_a_page_of_another_site_changes_nothing(headers: dict[str, str], path: str, served: str) -> None:
    """A browser sends such a POST without asking the server first."""
    sent = {name: value.replace("{self}", served) for name, value in headers.items()}
    said = ask(served, path, b"{}", {"Content-Type": "text/plain", **sent})
    assert said.status == 403 and "page of another site" in said.json["error"]
    assert ask(served, "/v2", headers=sent).status == 200  # it cannot read the answer


def test_a_page_of_this_server_and_programs_may_ask(served: str) -> None:
    body = {"examples": [ZEROS]}
    for headers in ({}, {"Origin": served}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert ask(served, "/predict", body, {"Content-Type": "application/json", **headers}).status == 200


def test_a_body_without_a_length_ends_at_the_limit(served: str) -> None:
    with connected(served) as link:
        link.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")  # fmt: skip
        chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
        sent = 0
        try:
            while sent < 1000:
                link.sendall(chunk)
                sent += 1
        except ConnectionError:
            pass
        assert sent < 500
    assert ask(served, "/v2/health/live").status == 200


def test_slow_heads_and_bodies_are_ended(served: str) -> None:
    began = time.monotonic()
    silent = connected(served)
    slow = connected(served)
    slow.sendall(b"GET /v2 HTTP/1.1\r\nHo")
    body = connected(served)
    body.sendall(
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
    )
    assert silent.recv(100) == b""
    for letter in b"st: localhost":  # a byte now and then keeps no connection
        try:
            slow.sendall(bytes([letter]))
        except ConnectionError:
            break
        time.sleep(0.2)
    assert slow.recv(1000).startswith(b"HTTP/1.1 408") and time.monotonic() - began < 4
    assert body.recv(1000).startswith(b"HTTP/1.1 408") and time.monotonic() - began < 8
    for link in (silent, slow, body):
        link.close()


def test_a_connection_that_is_slow_after_its_first_request_is_ended(served: str) -> None:
    with connected(served) as link:
        link.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = link.recv(4096)
        while not answer.endswith(b'{"live": true}'):  # its head and its body may come one after the other
            answer += link.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200")
        link.sendall(b"GET /v2 HT")
        began = time.monotonic()
        assert link.recv(4096).startswith(b"HTTP/1.1 408")
        assert link.recv(4096) == b"" and time.monotonic() - began < 4


def test_many_connections_leave_room_for_others(digits: Path) -> None:
    """Beyond the limit of 8 a request is told to come back, beyond twice that a connection is closed. Those that were
    there before are answered."""
    limits = Limits(connections=8, batch=1)
    with contextlib.ExitStack() as links:
        address = links.enter_context(running({"digits": digits}, Settings(port=0, limits=limits)))
        first = [links.enter_context(connected(address)) for _ in range(12)]
        until = time.monotonic() + 10
        while (said := ask(address, "/v2")).status != 503 and time.monotonic() < until:
            time.sleep(0.1)  # the server takes connections one by one
        assert said.status == 503 and said.headers["retry-after"] == "1"
        for at, status in ((0, b"200"), (10, b"503")):
            first[at].sendall(b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert first[at].recv(4096).startswith(b"HTTP/1.1 " + status)
        more = [links.enter_context(connected(address)) for _ in range(6)]
        assert is_closed(more[-1]) and not is_closed(first[-1])
        for link in [*first, *more]:
            link.close()
        while ask(address, "/v2").status != 200:
            assert time.monotonic() < until
            time.sleep(0.1)


def is_closed(link: socket.socket) -> bool:
    link.settimeout(1)
    try:
        return link.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True
