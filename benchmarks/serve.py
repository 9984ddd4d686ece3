"""Time `powertrain serve` beside a bare ASGI echo and eager PyTorch behind FastAPI: python benchmarks/serve.py

All three run under uvicorn, one process each, one after the other, and get the same bodies: one example of digits as
JSON. The echo reads the body and answers; it is what the stack costs without a model. What is not installed is left
out, by name. Clients are connections that each ask again as soon as they have an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import powertrain as pt

HIDDEN = (256, 256)
WARM = 20  # requests of each client that are not timed
ECHO = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    head = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"{}"})
"""
TORCH = """
import torch
from fastapi import FastAPI
from pydantic import BaseModel

torch.set_num_threads(THREADS)
model = torch.nn.Sequential(torch.nn.Flatten(), *LAYERS).eval()


class Body(BaseModel):
    examples: list[list[list[float]]]


app = FastAPI()


@app.post("/predict")
def predict(body: Body):
    with torch.inference_mode():
        shares = model(torch.tensor(body.examples)).softmax(dim=1)
    return {"predictions": [{"label": str(int(row.argmax())), "probabilities": row.tolist()} for row in shares]}
"""


def torch_text(threads: int) -> str:
    sizes = (64, *HIDDEN, 10)
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [f"torch.nn.Linear({inputs}, {outputs})", "torch.nn.ReLU()"]
    return TORCH.replace("THREADS", str(threads)).replace("LAYERS", f"[{', '.join(layers[:-1])}]")


def trained(folder: Path) -> Path:
    recipe = {
        "data": {"use": "digits"}, "features": [{"use": "scale", "by": 0.0625}],
        "model": {"use": "mlp", "hidden": list(HIDDEN)}, "optimizer": "adamw", "run": {"until": "1 epochs"},
    }  # fmt: skip
    pt.fit(recipe, folder=folder / "run", verbose=False)
    return folder / "run"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def started(command: list[str], port: int, folder: Path, body: bytes) -> Iterator[None]:
    """A server process, once it has answered a request."""
    with (folder / "server.log").open("a") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError(f"[bench serve] {command[2]} ended; see {folder / 'server.log'}")
            try:
                asyncio.run(timed(port, body, 1, 0.0))
                break
            except (OSError, EOFError, RuntimeError):  # nobody listens yet, or no model is loaded
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


def request_of(body: bytes) -> bytes:
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


async def timed(port: int, body: bytes, clients: int, seconds: float) -> list[float]:
    """Seconds of each request that was answered."""
    request, found = request_of(body), []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(WARM):
            await one(reader, writer, request)
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            await one(reader, writer, request)
            found.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return found


async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"[bench serve] {head[:40]!r}; expected status 200")
    length = next(
        int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"
    )
    await reader.readexactly(length)


def servers(folder: Path, run: Path, threads: int) -> Iterator[tuple[str, list[str], int]]:
    """The name of each server, its command and its port."""
    (folder / "echo_app.py").write_text(ECHO)
    (folder / "torch_app.py").write_text(torch_text(threads))
    port = free_port()
    bare = [sys.executable, "-m", "uvicorn", "--log-level", "warning", "--http", "h11", "--loop", "asyncio"]
    yield "bare echo", [*bare, "--port", str(port), "echo_app:app"], port
    port = free_port()
    options = ["--port", str(port), "--threads", str(threads)]
    yield "powertrain serve", [sys.executable, "-m", "powertrain", "serve", f"digits={run}", *options], port
    try:
        import fastapi  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        print(f"left out: eager PyTorch behind FastAPI ({error})")
        return
    port = free_port()
    yield "PyTorch, FastAPI", [*bare, "--port", str(port), "torch_app:app"], port


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement (default: 5)")
    parser.add_argument("--turns", type=int, default=3, help="all servers so often, one after the other (default: 3)")
    parser.add_argument("--threads", type=int, default=1, help="threads that compute (default: 1)")
    options = parser.parse_args()
    body = json.dumps({"examples": np.random.default_rng(0).integers(0, 16, (1, 8, 8)).tolist()}).encode()
    found: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = trained(folder)
        for _ in range(options.turns):
            for server, command, port in servers(folder, run, options.threads):
                with started(command, port, folder, body):
                    for clients in options.clients:
                        seconds = asyncio.run(timed(port, body, clients, options.seconds))
                        found.setdefault((server, clients), []).extend(seconds)
    print(f"{os.cpu_count()} cores, {options.turns} turns of {options.seconds:g} s, one example a request")
    print(f"{'server':<18} {'clients':>7} {'p50 ms':>8} {'p99 ms':>8} {'requests/s':>11}")
    for (server, clients), seconds in found.items():
        low, high = np.percentile(seconds, [50, 99]) * 1e3
        rate = len(seconds) / (options.turns * options.seconds)
        print(f"{server:<18} {clients:>7} {low:>8.2f} {high:>8.2f} {rate:>11,.0f}")


if __name__ == "__main__":
    main()
