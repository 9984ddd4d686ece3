"""Requests that came whole are answered without a task, and as those that a task answers."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serve_client import Answer, ask, connected, raw

import powertrain as pt
from powertrain_serve.direct import Direct
from powertrain_serve.errors import RefusedError
from powertrain_serve.loading import Loader
from powertrain_serve.model import Model
from powertrain_serve.protocol import SOON
from powertrain_serve.running import serving
from powertrain_serve.service import SMALL, Service
from powertrain_serve.settings import Limits, Settings
from powertrain_serve.tallies import Amounts, Counts
from powertrain_serve.texts import Text
from powertrain_serve.wanted import Wanted

JSON = {"Content-Type": "application/json"}
VARYING = ("x-request-id", "date")  # headers that differ from answer to answer


@pytest.fixture(scope="module")
def service(digits: Path, other_digits: Path) -> Service:
    settings = Settings(port=0, limits=Limits(body=1 << 20, rows=256, seconds=5))
    versions = {"1": digits, "2": other_digits}
    wanted = {"digits": Wanted(versions, "1", canary=("2", 50))}
    return Service(settings, Loader(settings, lambda: wanted))


@pytest.fixture(scope="module")
def address(service: Service) -> Iterator[str]:
    with serving(service) as found:
        yield found


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each request that came whole was taken."""
    found: list[bool] = []
    offered = Direct.__call__

    def noted(self: Direct, request: Any) -> bool:
        found.append(offered(self, request))
        return found[-1]

    monkeypatch.setattr(Direct, "__call__", noted)
    return found


def at_once(address: str, path: str, body: Any) -> Answer:
    """One request, whose head and body go in one packet."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    )
    said = raw(address, head.encode() + b"\r\n\r\n" + content)
    first, *lines = said.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = {line.partition(": ")[0]: line.partition(": ")[2] for line in lines}
    return Answer(int(first.split()[1]), headers, said.partition(b"\r\n\r\n")[2])


def tensors(image: Any, **more: Any) -> dict[str, Any]:
    entry = {"name": "x", "shape": [1, 8, 8], "datatype": "FP32", "data": image.ravel().tolist()}
    return {"inputs": [entry], **more}


def without_names(said: Answer) -> Any:
    return said.status, {name: value for name, value in said.headers.items() if name not in VARYING}, said.body


@pytest.mark.parametrize("path", ["/models/digits/versions/1/predict", "/v2/models/digits/versions/2/infer"])
def test_the_answer_is_that_of_a_task(path: str, address: str, images: Any, taken: list[bool]) -> None:
    for body in ({"examples": images[:3].tolist()}, tensors(images[0]), tensors(images[1], id="mine"), {}, []):
        whole = at_once(address, path, body)
        assert without_names(at_once(address, f"{path}?by=a-task", body)) == without_names(whole), body
    assert taken.count(True) == (1 if "predict" in path else 2)
    binary = ask(address, path, tensors(images[0], parameters={"binary_data_output": True}))
    assert (binary.status == 200) == ("infer" in path)


def test_what_is_unusual_is_left_to_a_task(address: str, images: Any, taken: list[bool]) -> None:
    path, body = "/models/digits/versions/1/predict", {"examples": images[:1].tolist()}
    for headers in ({"Content-Encoding": "gzip"}, {"Content-Type": "text/csv"}, {"Host": "example.org"}):
        assert ask(address, path, json.dumps(body).encode(), {**JSON, **headers}).status in (415, 421)
    assert ask(address, "/models", None).status == 200 and ask(address, path, None).status == 405
    assert ask(address, path, json.dumps(body).encode() + b" " * SMALL, JSON).status == 200
    assert ask(address, path, {"examples": images[:1].repeat(65, 0).tolist()}).status == 200
    assert not any(taken)


def test_a_body_may_come_soon_or_late(address: str, images: Any, taken: list[bool]) -> None:
    content = json.dumps({"examples": images[:1].tolist()}).encode()
    head = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length:"
    said = []
    for seconds in (0.001, 5 * SOON, 0.001):
        with connected(address) as link:
            link.sendall(f"{head} {len(content)}\r\n\r\n".encode() + content[:20])
            time.sleep(seconds)
            link.sendall(content[20:])
            said.append(link.recv(1 << 16).partition(b"\r\n")[0])
    assert said == [b"HTTP/1.1 200 OK"] * 3 and all(taken) and len(taken) < 3  # the second waited for a task


def test_a_canary_has_one_turn_for_each_request(address: str, images: Any) -> None:
    """Whether it is answered at once, or refused by a task that comes to the same."""
    good, bad = {"examples": images[:1].tolist()}, {"examples": [[1, 2, 3]]}
    first = ask(address, "/predict", good).json["version"]
    for _ in range(3):
        assert ask(address, "/predict", bad).status == 400
        assert ask(address, "/predict", good).json["version"] == first


@pytest.mark.parametrize(
    ("error", "status"),
    [(pt.OutOfMemoryError("[x] none left"), 503), (RefusedError(429, "[x] later"), 429), (KeyError("ours"), 500)],
)
def test_what_the_model_says_is_answered(
    error: Exception, status: int, address: str, images: Any, taken: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Model, examples: Any) -> Any:
        raise error

    monkeypatch.setattr(Model, "answers", fails)
    said = at_once(address, "/predict", {"examples": images[:1].tolist()})
    assert said.status == status and taken == [True]
    # Such an answer ends the connection, however it was made.
    assert said.headers.get("connection") == ("close" if status == 503 else None)


def test_tallies_are_what_prometheus_counts() -> None:
    prometheus = pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")
    ours, theirs = prometheus.CollectorRegistry(), prometheus.CollectorRegistry()
    counts, amounts = Counts("asked", "Requests.", ["route"]), Amounts("took", "Seconds.", ["route"], (0.1, 1, 10))
    ours.register(counts)
    ours.register(amounts)
    counter = prometheus.Counter("asked", "Requests.", ["route"], registry=theirs)
    histogram = prometheus.Histogram("took", "Seconds.", ["route"], buckets=(0.1, 1, 10), registry=theirs)
    for number, amount in enumerate([0.05, 0.1, 0.5, 1, 3, 10, 11, 0]):
        route = "ab"[number % 2]
        counts.inc((route,))
        amounts.observe((route,), amount)
        counter.labels(route).inc()
        histogram.labels(route).observe(amount)
    said, expected = (prometheus.generate_latest(one).decode().splitlines() for one in (ours, theirs))
    assert sorted(said) == sorted(line for line in expected if "_created" not in line)


def test_pieces_of_a_text_call_the_loop_once_for_those_that_it_has_not_taken() -> None:
    class Writes:
        def continued(self, prompt: Any) -> Iterator[int]:
            return iter(range(5))

    async def asked() -> tuple[list[int], int]:
        loop = asyncio.get_running_loop()
        call, calls = loop.call_soon_threadsafe, []
        loop.call_soon_threadsafe = lambda *given: (calls.append(given), call(*given))[1]  # type: ignore
        text = Text(Writes(), "", {}, 1e18)  # type: ignore[arg-type]
        while text.step():  # the loop has no turn meanwhile
            pass
        found = []
        while (piece := await text.next()) is not None:
            found.append(piece)
        return found, len(calls)

    assert asyncio.run(asked()) == ([0, 1, 2, 3, 4], 1)


def test_threads_take_turns_often_while_a_server_runs(address: str) -> None:
    assert sys.getswitchinterval() == pytest.approx(1e-4)
