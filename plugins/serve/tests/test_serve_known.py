"""Requests whose head is known: answered in the call that brings them, and as all others are."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from serve_client import ask, connected
from uvicorn.server import ServerState

import powertrain as pt
from powertrain_serve import known as heads
from powertrain_serve.answers import Answers
from powertrain_serve.app import Application
from powertrain_serve.batching import Worker
from powertrain_serve.bodies import Given, examples_in, given_in, numbers_in
from powertrain_serve.errors import RefusedError
from powertrain_serve.known import Known
from powertrain_serve.later import Answered
from powertrain_serve.listening import server
from powertrain_serve.loading import Loader
from powertrain_serve.logs import LOGGER, on_standard_error
from powertrain_serve.model import Model
from powertrain_serve.running import serving
from powertrain_serve.service import Service
from powertrain_serve.settings import Limits, Settings
from powertrain_serve.wanted import Wanted


class Wire(asyncio.Transport):
    """A connection without a socket, which keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""

    def write(self, data: Any) -> None:
        self.said += data

    def taken(self) -> bytes:
        said, self.said = self.said, b""
        return said

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


def request_of(body: Any, path: str = "/predict", *lines: str, host: str = "localhost") -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
    return "\r\n".join([*head, *lines, f"Content-Length: {len(content)}", "", ""]).encode() + content


def without_id(said: bytes) -> list[bytes]:
    return [line for line in said.split(b"\r\n") if not line.startswith(b"x-request-id")]


def service_of(wanted: dict[str, Wanted], **settings: Any) -> Service:
    made = Service(Settings(port=0, **settings), Loader(Settings(port=0), lambda: wanted))
    made.reload()
    return made


class Here:
    """A service, and connections to it, in this thread."""

    def __init__(self, service: Service) -> None:
        self.service = service
        application = Application(service)
        self.config = server(application, service, application.direct).config
        self.config.load()
        self.state = ServerState()

    def connection(self) -> tuple[Any, Wire]:
        made = self.config.http_protocol_class(config=self.config, server_state=self.state, app_state={})
        wire = Wire()
        made.connection_made(wire)
        return made, wire


@pytest.fixture
def service(digits: Path, other_digits: Path) -> Iterator[Service]:
    made = service_of({"digits": Wanted({"1": digits, "2": other_digits}, "1")})
    yield made
    made.close()


async def said_to(protocol: Any, wire: Wire, data: bytes) -> tuple[bytes, bool]:
    """What is said to some bytes, and whether it was said at once."""
    protocol.data_received(data)
    at_once = bool(wire.said)
    for _ in range(200):
        if wire.said:
            break
        await asyncio.sleep(0.005)
    return wire.taken(), at_once


def test_the_second_one_is_answered_in_the_call_that_brings_it(
    service: Service, images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a task, a turn of the loop or another thread; with the same bytes as before but for its name."""

    async def asked() -> None:
        protocol, wire = Here(service).connection()
        request = request_of({"examples": images[:1].tolist()})
        first, at_once = await said_to(protocol, wire, request)
        assert first.startswith(b"HTTP/1.1 200") and not at_once
        monkeypatch.setattr(Worker, "put", None)
        monkeypatch.setattr(Worker, "run_here", None)
        tasks, threads = asyncio.all_tasks(), threading.active_count()
        for _ in range(3):
            again, at_once = await said_to(protocol, wire, request)
            assert at_once and without_id(again) == without_id(first) and again != first
        assert asyncio.all_tasks() == tasks and threading.active_count() == threads
        content = json.dumps({"examples": images[:1].tolist()}).encode()
        other = request_of(content.replace(b"1", b"2"))  # another body under the same head
        found, at_once = await said_to(protocol, wire, other)
        monkeypatch.undo()
        by_a_task, _ = await said_to(protocol, wire, other.replace(b"/predict", b"/predict?by=a-task"))
        assert at_once and without_id(found) == without_id(by_a_task) != without_id(first)

    asyncio.run(asked())


def test_what_waits_with_others_is_computed_with_them(service: Service, images: Any) -> None:
    async def asked() -> list[int]:
        here, sizes = Here(service), []
        answers = Model.answers

        def noted(self: Model, examples: Any) -> Any:
            sizes.append(len(examples))
            return answers(self, examples)

        request = request_of({"examples": images[:1].tolist()})
        several = [here.connection() for _ in range(5)]
        expected, _ = await said_to(*several[0], request)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Model, "answers", noted)
            for protocol, _ in several:
                asyncio.get_running_loop().call_soon(protocol.data_received, request)
            await asyncio.sleep(0.1)
        assert all(without_id(wire.taken()) == without_id(expected) for _, wire in several)
        return sizes

    assert asyncio.run(asked()) == [5]


def test_a_head_is_known_by_all_of_its_bytes(service: Service, images: Any) -> None:
    """What differs from a known one in anything is parsed, guarded and refused as ever."""

    async def asked() -> None:
        here = Here(service)
        body = {"examples": images[:1].tolist()}
        good = request_of(body)
        await said_to(*here.connection(), good)
        length = len(json.dumps(body))
        for bad, status in (
            (request_of(body, host="example.org"), b"421"),
            (request_of(body, "/predict", "Origin: http://example.org"), b"403"),
            (good.replace(b"application/json", b"application/jsan"), b"415"),
            (good.replace(b"POST", b"GET"), b"405"),
            (good.replace(b"/predict", b"/predicd"), b"404"),
            (request_of(b"{" + b" " * (length - 1)), b"400"),
            (request_of(json.dumps(body).encode()[:-2] + b"NaN"[:2]), b"400"),
        ):
            for _ in range(2):
                said, at_once = await said_to(*here.connection(), bad)
                assert said[9:12] == status and not at_once, bad
        protocol, wire = here.connection()
        said, at_once = await said_to(protocol, wire, good + good)  # two at once are two answers
        await asyncio.sleep(0.1)
        assert (said + wire.taken()).count(b"HTTP/1.1 200 OK") == 2 and not at_once

    asyncio.run(asked())


def test_a_request_in_pieces_or_behind_another_is_no_known_one(service: Service, images: Any) -> None:
    async def asked() -> None:
        here, request = Here(service), request_of({"examples": images[:1].tolist()})
        expected, _ = await said_to(*here.connection(), request)
        for cut in (1, 40, len(request) - 1):
            protocol, wire = here.connection()
            protocol.data_received(request[:cut])
            said, _ = await said_to(protocol, wire, request[cut:])
            assert without_id(said) == without_id(expected)
            # The bytes of a whole request, within a body that is not read to its end.
            protocol.data_received(request_of(b" " * (len(request) + 10))[: -len(request) - 10])
            protocol.data_received(request)
            await asyncio.sleep(0.05)
            assert wire.taken() == b""

    asyncio.run(asked())


@pytest.mark.parametrize("more", [{"canary": ("2", 50)}, {"shadow": ("2", 50)}])
def test_what_has_turns_is_chosen_anew(more: Any, digits: Path, other_digits: Path, images: Any) -> None:
    made = service_of({"digits": Wanted({"1": digits, "2": other_digits}, "1", **more)})

    async def asked() -> None:
        protocol, wire = Here(made).connection()
        for path in ("/predict", "/models/digits/versions/1/predict"):
            once = [
                await said_to(protocol, wire, request_of({"examples": images[:1].tolist()}, path)) for _ in range(4)
            ]
            assert [at_once for _, at_once in once] == [False, *[path != "/predict"] * 3]

    try:
        asyncio.run(asked())
    finally:
        made.close()


def test_names_of_requests_are_not_kept(service: Service, images: Any) -> None:
    async def asked() -> None:
        here = Here(service)
        protocol, wire = here.connection()
        body = {"examples": images[:1].tolist()}
        for number in range(3):
            said, at_once = await said_to(protocol, wire, request_of(body, "/predict", f"X-Request-Id: mine-{number}"))
            assert f"x-request-id: mine-{number}\r\n".encode() in said and not at_once
        for number in range(heads.MOST + 10):
            await said_to(protocol, wire, request_of(body, "/predict", f"X-Other: {number}"))
        assert len(service.heads._known) == heads.MOST
        await said_to(protocol, wire, request_of(body, "/predict", f"X-Long: {'a' * heads.LONGEST}"))
        assert max(map(len, service.heads._known)) <= heads.LONGEST

    asyncio.run(asked())


def test_a_new_table_is_asked_anew_and_the_old_models_go(digits: Path, other_digits: Path, images: Any) -> None:
    wanted = {"digits": Wanted({"1": digits}, "1")}
    made = Service(Settings(port=0), Loader(Settings(port=0), lambda: wanted))
    made.reload()

    async def asked() -> None:
        protocol, wire = Here(made).connection()
        request = request_of({"examples": images[:1].tolist()})
        for _ in range(2):
            said, _ = await said_to(protocol, wire, request)
        assert b'"version": "1"' in said
        wanted["digits"] = Wanted({"2": other_digits}, "2")
        made.reload()
        assert made.heads._known == {}
        for _ in range(2):
            said, at_once = await said_to(protocol, wire, request)
            assert b'"version": "2"' in said
        assert at_once

    try:
        asyncio.run(asked())
    finally:
        made.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [(pt.OutOfMemoryError("[x] none left"), 503), (RefusedError(429, "[x] later"), 429), (KeyError("ours"), 500)],
)
def test_errors_of_a_model_are_answered_as_ever(
    error: Exception, status: int, service: Service, images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Model, examples: Any) -> Any:
        raise error

    async def asked() -> None:
        here, request = Here(service), request_of({"examples": images[:1].tolist()})
        await said_to(*here.connection(), request)
        monkeypatch.setattr(Model, "answers", fails)
        alone, _ = await said_to(*here.connection(), request)
        several = [here.connection() for _ in range(3)]
        for protocol, _ in several:
            asyncio.get_running_loop().call_soon(protocol.data_received, request)
        await asyncio.sleep(0.1)
        assert {said[9:12] for said in (alone, *(wire.taken() for _, wire in several))} == {str(status).encode()}

    asyncio.run(asked())


def test_a_token_is_part_of_the_head(digits: Path, images: Any) -> None:
    made = service_of({"digits": Wanted({"1": digits}, "1")}, token="0123456789abcdef")

    async def asked() -> None:
        here, body = Here(made), {"examples": images[:1].tolist()}
        for token, status in (("0123456789abcdef", b"200"), ("0123456789abcdeg", b"401"), ("0123456789abcdef", b"200")):
            request = request_of(body, "/predict", f"Authorization: Bearer {token}")
            for _ in range(2):
                assert (await said_to(*here.connection(), request))[0][9:12] == status

    try:
        asyncio.run(asked())
    finally:
        made.close()


# ------------------------------------------------------------ what waits until later


def test_lines_written_together_are_those_of_the_formatter(
    service: Service, images: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    model = next(iter(service.loader.table.models()))

    def predict(request: Any) -> None: ...

    scope = {"path": "/predict", "method": "POST", "endpoint": predict}
    known = Known(service.loader.table, model, None, 9, scope)  # type: ignore[arg-type]
    with on_standard_error():
        for began in (time.monotonic(), time.monotonic() - 1e-5, time.monotonic() - 100):
            one = Answered(known, service.ids.next(), began, Given(images[:2]), Answers([]), None)
            service.later._gathered.append(one)
        service.later.flush()
        together = capfd.readouterr().err.splitlines()
        gathered = [json.loads(line)["id"] for line in together]
        records: list[logging.LogRecord] = []
        handler = logging.Handler()
        handler.emit = records.append  # type: ignore[assignment,method-assign]
        LOGGER.addHandler(handler)
        try:
            service.later._gathered.append(one)
            service.later.flush()
        finally:
            LOGGER.removeHandler(handler)
        apart = capfd.readouterr().err.splitlines()
    assert len(set(gathered)) == 3 and together[-1][40:] == apart[-1][40:]
    assert abs(records[0].created - time.time()) < 60
    assert json.loads(together[-1])["seconds"] == pytest.approx(100, abs=1)


def test_labels_and_counts_find_what_was_just_answered(digits: Path, images: Any) -> None:
    wanted = {"digits": Wanted({"1": digits}, "1")}
    made = Service(Settings(port=0), Loader(Settings(port=0), lambda: wanted))
    body = request_of({"examples": images[:1].tolist()})
    with serving(made) as address, connected(address) as link:
        for number in range(1, 4):
            link.sendall(body)
            head = link.recv(1 << 16).decode()
            name = next(line[14:] for line in head.split("\r\n") if line.startswith("x-request-id: "))
            assert ask(address, "/feedback", {"id": name, "labels": [1]}).status == 200
            if made.metrics.registry is not None:
                counts = ask(address, "/metrics").body.decode()
                assert f'powertrain_requests_total{{route="predict",status="200"}} {number}.0' in counts


# ------------------------------------------------------------ what is parsed the short way

STRANGE = [
    b'{"examples": []}', b'{"examples": 5}', b'{"examples": {}}', b'{"examples": [5]}', b'{"examples": [[[1]]]}',
    b'{"examples": [null]}', b'{"examples": [[null]]}', b'[1]', b'{"examples": [[NaN]]}', b'{"examples": [[1e999]]}',
    b'{"examples": [[1], [1, 2]]}', b'{"examples": [[{}]]}', b'{"examples": [[1]], "more": 1}', b'{"example": [[1]]}',
    b'{"examples": [["a"]]}', b'{"examples": [[1]]} x', b'\x0b{"examples": [[1]]}', b'{"examples": [[01]]}', b'',
    b'{"examples": ' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"ex\\u0061mples": [[1]]}', b'{"examples": [[1.5]]}',
    b'{"examples": [[-1]]}', b'{"examples": [[256]]}', b'{"examples": [[true]]}', b'{"examples": [[1.0]]}',
    b' {"examples": [[1]]}\n', b'{"examples": [[1], [255]]}', b'{"examples": [[18446744073709551616]]}',
]  # fmt: skip


def outcome(function: Any, *given: Any) -> Any:
    try:
        return function(*given).examples
    except RefusedError as refused:
        return refused.reason


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64"])
def test_the_short_way_gives_what_the_long_one_does_or_nothing(dtype: str, tmp_path: Path) -> None:
    x = np.arange(40).reshape(40, 1).astype(dtype)
    recipe: dict[str, Any] = {"data": (x, np.arange(40) % 2), "model": {"use": "mlp", "hidden": [2]}, "steps": 2}
    run = pt.fit(**recipe, folder=tmp_path / "run", verbose=False)
    model, limits, short = Model("m", "1", run), Limits(), 0
    for body in STRANGE:
        found = numbers_in(model, body, limits)
        wanted = outcome(lambda content: examples_in(model, given_in("application/json", content), limits), body)
        if found is not None:
            assert found.examples.dtype == wanted.dtype == model.dtype and np.array_equal(found.examples, wanted), body
            short += 1
    assert short >= 3 and numbers_in(model, b'{"examples": [[1], [2]]}', Limits(rows=1)) is None


# ------------------------------------------------------------ what it costs


def test_a_request_costs_little_more_than_an_echo(service: Service, images: Any) -> None:
    """In processor time, without sockets, above the prediction itself. It is about 1.3 times an echo here."""

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def seconds(protocol: Any, wire: Wire, request: bytes, count: int = 200) -> float:
        began = time.thread_time()
        for _ in range(count):
            protocol.data_received(request)
            while not wire.said.endswith(b"}"):
                await asyncio.sleep(0)
            wire.said = b""
        return (time.thread_time() - began) / count

    def predicting(run: pt.TrainedRun, x: Any, count: int = 200) -> float:
        began = time.thread_time()
        for _ in range(count):
            run.predict(x)
        return (time.thread_time() - began) / count

    async def measured() -> tuple[float, float]:
        config = uvicorn.Config(echo, http="httptools", ws="none", lifespan="off", log_config=None)
        config.load()
        other = config.http_protocol_class(config=config, server_state=ServerState(), app_state={})
        bare = Wire()
        other.connection_made(bare)
        protocol, wire = Here(service).connection()
        request = request_of({"examples": images[:1].tolist()})
        run = pt.load(next(iter(service.loader.table.models())).run.folder)
        above, echoes = [], []
        for _ in range(12):
            ours = await seconds(protocol, wire, request)
            above.append(ours - predicting(run, images[:1]))
            echoes.append(await seconds(other, bare, request))
        return min(above), statistics.median(echoes)

    above, bare = asyncio.run(measured())
    assert math.isfinite(above) and above < 3 * bare, (above, bare)
