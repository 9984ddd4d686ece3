"""Connections: pipelined requests, endless heads and trailers, and counters that stay right."""

from __future__ import annotations

import asyncio
import contextlib
import json
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serve_client import ask, connected

from powertrain_serve.answers import Answers
from powertrain_serve.connection import LARGE, Joined
from powertrain_serve.loading import Loader
from powertrain_serve.running import serving
from powertrain_serve.service import Service
from powertrain_serve.settings import MOST_HEAD, Limits, Settings
from powertrain_serve.wanted import Wanted

LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = json.dumps({"examples": [[[0.0] * 8] * 8]}).encode()


def posted(body: bytes, *headers: str, path: str = "/predict") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def chunked(*chunks: bytes) -> bytes:
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks)


@pytest.fixture(scope="module")
def service(digits: Path) -> Service:
    limits = Limits(body=1 << 20, connections=64, batch=32)  # nothing here waits for a limit of time
    settings = Settings(port=0, limits=limits)
    wanted = {"digits": Wanted({"1": digits}, "1")}
    return Service(settings, Loader(settings, lambda: wanted))


@pytest.fixture(scope="module")
def address(service: Service) -> Iterator[str]:
    with serving(service) as found:
        yield found


def answers(link: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """The next answers of a connection; fewer where it ends."""
    found: list[tuple[int, bytes]] = []
    said = b""
    while len(found) < count:
        head, mark, rest = said.partition(b"\r\n\r\n")
        length = next((int(one[15:]) for one in head.lower().split(b"\r\n") if one[:15] == b"content-length:"), 0)
        if mark and len(rest) >= length:
            found.append((int(head.split()[1]), rest[:length]))
            said = rest[length:]
            continue
        try:
            part = link.recv(1 << 16)
        except ConnectionError:
            break
        if not part:
            break
        said += part
    return found


def test_pipelined_requests_are_answered_in_order(address: str) -> None:
    with connected(address) as link:
        link.sendall((LIVE + posted(BODY)) * 50)
        said = answers(link, 100)
    assert [status for status, _ in said] == [200] * 100
    assert all((b"predictions" in body) == (at % 2 == 1) for at, (_, body) in enumerate(said))


def test_many_pipelined_requests_are_read_as_they_are_answered(address: str, service: Service) -> None:
    """What has not been answered stays with the client, or in a few pieces: requests are made of few bytes at once."""
    with connected(address, 60) as link:
        link.setblocking(False)
        unsent, unanswered, most = memoryview(LIVE * 4000), 4000, 0
        while unanswered:
            # It sleeps where there is nothing to do: a thread that only looks again keeps the server from its own work.
            readable, writable, _ = select.select([link], [link] if unsent else [], [], 60)
            assert readable or writable
            if writable:
                unsent = unsent[link.send(unsent[: 1 << 18]) :]
            most = max(most, service.asked)
            if readable:
                part = link.recv(1 << 18)
                assert part, f"closed with {len(unsent):,} bytes unsent and {unanswered:,} requests unanswered"
                unanswered -= part.count(b"}")  # each answer ends with its only one
    assert most < 400


@pytest.mark.parametrize("broken", [b"\x00\x01\r\n\r\n", b"GET /v2 HTTP/1.1\r\n\r\n", chunked()[:-2] + b"\r\nzz\r\n"])
def test_what_came_before_bytes_that_are_no_request_is_answered_first(broken: bytes, address: str) -> None:
    with connected(address) as link:
        link.sendall(LIVE + posted(BODY) + LIVE + broken)
        said = answers(link, 9)
    assert [status for status, _ in said] == [200, 200, 200, 400]
    assert "not an HTTP/1.1 request; expected one" in json.loads(said[-1][1])["error"]


def test_a_head_without_an_end_is_refused_in_pieces_too(address: str) -> None:
    with connected(address) as link:
        link.sendall(b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nX: ")
        began, sent = time.monotonic(), 0
        with contextlib.suppress(ConnectionError):
            while sent < 4 * MOST_HEAD:
                link.sendall(b"a" * 1024)
                sent += 1024
                time.sleep(0.002)
        ((status, body),) = answers(link, 1)
    assert status == 431 and "a head of more than 32,768 bytes" in json.loads(body)["error"]
    assert sent < 3 * MOST_HEAD and time.monotonic() - began < 5


def test_what_follows_a_body_has_no_say_and_an_end(address: str) -> None:
    """Trailers are headers behind the body."""
    with connected(address) as link:
        link.sendall(chunked(BODY[:10], BODY[10:]) + b"0\r\nContent-Type: text/csv\r\nAccept: x\r\n\r\n" + LIVE)
        assert [status for status, _ in answers(link, 2)] == [200, 200]
    with connected(address) as link:
        link.sendall(chunked(BODY) + b"0\r\nX: ")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 8 * MOST_HEAD:
                link.sendall(b"a" * 1024)
                sent += 1024
                time.sleep(0.002)
        said = answers(link, 1)
    assert sent < 3 * MOST_HEAD and (not said or said[0][0] == 431)
    assert ask(address, "/v2/health/live").status == 200


def test_an_upgrade_is_not_taken_and_its_request_is_answered(address: str) -> None:
    """Java's client asks for HTTP/2 with its first request."""
    headers = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
    with connected(address) as link:
        link.sendall(posted(BODY, *headers) + LIVE)
        assert [status for status, _ in answers(link, 2)] == [200, 200]


def test_spaces_around_a_header_are_none_of_it(address: str) -> None:
    with connected(address) as link:
        link.sendall(b"GET /v2 HTTP/1.1\r\nHost: \t localhost \t \r\n\r\n")
        link.sendall(b"GET /v2 HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert [status for status, _ in answers(link, 2)] == [200, 200]
        assert link.recv(100) == b""  # HTTP/1.0 keeps no connection


def test_methods_and_paths(address: str) -> None:
    said = ask(address, "/predict", method="PUT")
    assert (said.status, said.headers["allow"]) == (405, "POST") and "see /docs" in said.json["error"]
    assert ask(address, "/models", b"{}").headers["allow"] == "GET, HEAD"
    whole, head = ask(address, "/models"), ask(address, "/models", method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(whole.body)))
    for path in ("/predict/", "/predict%0A", "/models/digits", "/v2/models/digits/versions/1/infer/x"):
        assert ask(address, path, b"{}").status == 404, path


def test_a_fault_of_the_server_is_answered_and_ends_nothing(
    address: str, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: Any) -> None:
        raise ZeroDivisionError("of ours")

    for owner, name, path in ((service.bodies, "read", "/predict?by=a-task"), (Answers, "in_words", "/predict")):
        monkeypatch.setattr(owner, name, fails)
        said = ask(address, path, BODY, {"Content-Type": "application/json"})
        assert said.status == 500 and said.json["error"].startswith("a fault of the server; its log says more under")
        assert said.headers["x-request-id"] in said.json["error"]
        monkeypatch.undo()
        assert ask(address, path, BODY, {"Content-Type": "application/json"}).status == 200


def test_requests_that_are_open_are_counted_whatever_becomes_of_them(address: str, service: Service) -> None:
    """By that count one that is alone is computed at once."""
    for content in (
        LIVE, posted(BODY), posted(b"{"), posted(BODY, "Expect: 100-continue"), posted(BODY)[:-5],
        posted(BODY) * 3 + b"\x00\r\n", chunked(BODY) + b"zz\r\n", posted(BODY) + posted(BODY)[:-9],
        posted(BODY, path="/none")[:-9],
    ):  # fmt: skip
        with connected(address) as link:
            link.sendall(content)
            time.sleep(0.05)

    def settled() -> None:  # a client has its answer before the server has counted
        until = time.monotonic() + 30
        while service.asked or service.bodies.held or service.bodies.reading:
            assert time.monotonic() < until
            time.sleep(0.02)

    settled()
    assert ask(address, "/predict", BODY, {"Content-Type": "application/json"}).status == 200
    settled()


def test_clients_side_by_side_get_the_answers_of_one_alone(address: str) -> None:
    images = np.random.default_rng(1).uniform(0, 16, (24, 8, 8)).round()
    bodies = [json.dumps({"examples": [image.tolist()]}).encode() for image in images]
    alone = [ask(address, "/predict", body, {"Content-Type": "application/json"}).body for body in bodies]
    with contextlib.ExitStack() as links:
        opened = [links.enter_context(connected(address)) for _ in bodies]
        for link, body in zip(opened, bodies, strict=True):
            link.sendall(posted(body))
        assert [answers(link, 1)[0][1] for link in opened] == alone


class Pipe:
    """A transport that writes down what is sent at once."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def test_a_head_goes_with_its_body_or_alone_where_that_takes_a_while() -> None:
    async def sent(*pieces: bytes | float) -> list[bytes]:
        pipe = Pipe()
        joined = Joined(pipe, asyncio.get_running_loop())
        for piece in pieces:
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            else:
                joined.write(piece)
        joined.close()
        assert pipe.closed and joined.is_closing()
        return pipe.sent

    large = bytes(LARGE + 1)
    assert asyncio.run(sent(b"head", b"body", b"more")) == [b"headbody", b"more"]
    assert asyncio.run(sent(b"head", 0.01, b"body")) == [b"head", b"body"]
    assert asyncio.run(sent(b"head", large)) == [b"head", large]
    assert asyncio.run(sent(b"head")) == [b"head"]
    told = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert asyncio.run(sent(told, b"head", b"body")) == [told, b"headbody"]
