"""A server over many requests: right answers alone, through switches of versions and kills, in memory that stays flat.

`SERVE_SOAK_REQUESTS=2000000 pytest plugins/serve/tests/test_serve_soak.py -s` is a day of 23 a second.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serve_client import ask, connected
from serve_process import Process, process

import powertrain as pt

REQUESTS = int(os.environ.get("SERVE_SOAK_REQUESTS", "20000"))  # that are answered
LIVES = 2  # processes, each of which is killed but for the last
CLIENTS = 6
# Requests over a connection that is kept: few, since a short soak must last until pages have taken their room.
SEVERAL = int(os.environ.get("SERVE_SOAK_SEVERAL", "2"))
SWITCH = 2.0  # seconds from one version to the other
PATIENCE = 120  # seconds without an answer
TENTHS, SETTLED = 10, 4  # when the memory of a life is looked at, and from which tenth on it may not grow
GROWTH = 40 << 20  # bytes: examples that wait for labels, of models that are loaded anew, and what allocators keep
LOST = (OSError, http.client.HTTPException, json.JSONDecodeError)  # of a server that was killed
TEXT = {"model": "book", "prompt": "The engine", "max_tokens": 40, "temperature": 1, "seed": 3}


class Clients:
    """Threads that ask, and compare each answer with the run's own."""

    def __init__(self, address: str, digits: dict[str, Path], book: Path, images: Any) -> None:
        self.address, self.images = address, images
        self.outputs = {version: pt.load(folder).predict(images).outputs for version, folder in digits.items()}
        self.text = pt.load(book).generate("The engine", 40, temperature=1.0, seed=3)
        self.counts: Counter[str] = Counter()
        self.answered = 0
        self._counting = threading.Lock()
        self.wrong: list[Any] = []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def _ask(self, number: int) -> None:
        draw = random.Random(number)
        kinds = [self.tensors, self.again, self.bits, self.bits, self.nonsense, self.whole, self.leave, self.look]
        while not self.ended.is_set():
            kind = draw.choice(kinds)
            try:
                self._count(kind.__name__, kind(draw.randrange(len(self.images))))
            except LOST:
                self._count("lost")
                time.sleep(0.5)  # another process is starting
            except Exception as error:
                self.wrong.append((kind.__name__, repr(error)))

    def _count(self, kind: str, status: int = 0) -> None:
        with self._counting:
            self.counts[f"{kind} {status}" if status else kind] += 1
            self.answered += status == 200

    def _same(self, version: str, at: int, output: Any) -> None:
        assert np.float32(output).tobytes() == self.outputs[version][at].tobytes(), (version, at)

    def tensors(self, at: int) -> int:
        entry = {"name": "x", "shape": [1, 8, 8], "datatype": "FP32", "data": self.images[at].ravel().tolist()}
        said = ask(self.address, "/v2/models/digits/infer", {"inputs": [entry], "outputs": [{"name": "output"}]})
        if said.status == 200:
            self._same(said.json["model_version"], at, said.json["outputs"][0]["data"])
            self._tell(said.headers["x-request-id"], at)
        return said.status

    def again(self, at: int) -> int:
        """Several over one connection, each in one packet and below the same head."""
        entry = {"name": "x", "shape": [1, 8, 8], "datatype": "FP32", "data": self.images[at].ravel().tolist()}
        body = json.dumps({"inputs": [entry], "outputs": [{"name": "output"}]}).encode()
        lines = ["POST /v2/models/digits/infer HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        request = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
        with connected(self.address, 60) as link:
            for left in reversed(range(SEVERAL)):
                link.sendall(request)
                response = http.client.HTTPResponse(link)
                response.begin()
                said = response.read()
                if response.status != 200:
                    return response.status
                self._same(json.loads(said)["model_version"], at, json.loads(said)["outputs"][0]["data"])
                if left:
                    self._count("again", 200)
        return 200

    def bits(self, at: int) -> int:
        written = io.BytesIO()
        np.save(written, self.images[at : at + 1])
        headers = {"Content-Type": "application/x-npy", "Accept": "application/x-npy"}
        said = ask(self.address, "/models/digits/predict", written.getvalue(), headers)
        if said.status == 200:
            self._same(said.headers["powertrain-version"], at, np.load(io.BytesIO(said.body))[0])
        return said.status

    def _tell(self, request: str, at: int) -> None:
        """A label later; a model that was replaced meanwhile knows of none."""
        said = ask(self.address, "/feedback", {"id": request, "labels": [at % 10]})
        assert said.status in (200, 404, 503), said

    def nonsense(self, at: int) -> int:
        said = ask(self.address, "/models/digits/predict", {"examples": [[1] * at]})
        assert said.status in (400, 503), said
        return said.status

    def whole(self, at: int) -> int:
        said = ask(self.address, "/v1/completions", TEXT)
        if said.status == 200:
            assert said.json["choices"][0]["text"] == self.text, said.json
        return said.status

    def leave(self, at: int) -> int:
        """Go away in the middle of a text."""
        body = json.dumps({**TEXT, "max_tokens": 4000, "stream": True}).encode()
        head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        with connected(self.address) as link:
            link.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            said = link.recv(100)
        return int(said.split(b" ")[1]) if said else 0

    def look(self, at: int) -> int:
        return ask(self.address, ("/metrics", "/monitor", "/monitor/digits", "/models")[at % 4]).status


def live(file: Path, version: str, digits: dict[str, Path], book: Path) -> None:
    lines = [f"[models.digits.versions]\n{version} = {json.dumps(str(digits[version]))}"]
    lines.append(f"[models.book.versions]\n1 = {json.dumps(str(book))}\n")
    file.write_text("\n".join(lines))


def lived(
    served: Process, file: Path, digits: dict[str, Path], book: Path, clients: Clients, requests: int
) -> list[int]:
    """Switch versions until so many requests are answered; the bytes of the process after each tenth of them."""
    began, switches, sizes = clients.answered, 0, [served.bytes()]
    seen, at = began, time.monotonic()
    while (answered := clients.answered) < began + requests:
        if answered > seen:
            seen, at = answered, time.monotonic()
        assert time.monotonic() - at < PATIENCE, f"no answer after {answered:,}: {clients.counts}"
        time.sleep(SWITCH)
        switches += 1
        live(file, str(1 + switches % 2), digits, book)
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("loaded", 1 + switches)
        while TENTHS * (answered - began) >= len(sizes) * requests:
            sizes.append(served.bytes())
            print(f"{answered:,} answered, {sizes[-1] / (1 << 20):.1f} MB, {len(clients.wrong)} wrong", flush=True)
    while len(sizes) <= TENTHS:
        sizes.append(served.bytes())
    return sizes


@pytest.mark.long
def test_many_requests(digits: Path, other_digits: Path, book: Path, images: Any, tmp_path: Path) -> None:
    folders = {"1": digits, "2": other_digits}
    file = tmp_path / "serve.toml"
    live(file, "1", folders, book)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    clients = Clients(f"http://127.0.0.1:{port}", folders, book, images)
    sizes = []
    for thread in clients.threads:
        thread.start()
    try:
        for life in range(LIVES):
            with process("--models", str(file), "--port", str(port), "--timeout", "120") as served:
                sizes.append(lived(served, file, folders, book, clients, REQUESTS // LIVES))
                last = life == LIVES - 1
                if last:
                    clients.ended.set()
                code = served.end(signal.SIGTERM if last else signal.SIGKILL)
                assert code == (0 if last else -signal.SIGKILL)
                assert not [line for line in served.lines if line["event"] == "fault"]
    finally:
        clients.ended.set()
        for thread in clients.threads:
            thread.join()
    print(dict(clients.counts), [" ".join(f"{one / (1 << 20):.1f}" for one in life) + " MB" for life in sizes])
    assert clients.wrong == []
    assert clients.answered >= REQUESTS
    assert not [name for name in clients.counts if name.endswith(" 500")]
    assert all(life[-1] - life[SETTLED] < GROWTH for life in sizes)
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        raise AssertionError("the last process has ended, and something listens")
