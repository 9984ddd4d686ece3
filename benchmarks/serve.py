"""Time `powertrain serve` beside other servers: python benchmarks/serve.py

    bare echo                  answers with the body: what the stack costs without a model
    powertrain serve           as it is by default, and with --no-monitor
    ONNX Runtime, FastAPI      the same run, exported
    PyTorch, FastAPI           an eager model of the same layers
    PyTorch, LitServe          the same, with its batching
    PyTorch, BentoML           the same

They run one after the other, one process each (LitServe and BentoML start more), and get the same bodies: one example
of digits as JSON. The first five run under uvicorn with httptools. What is not installed is left out, by name. Clients
are connections that each ask again as soon as they have an answer.

With the usual model what a request costs besides it counts; with `--hidden 4096 4096 4096` arithmetic does.

The last lines say what a request of one client costs above `run.predict` of its example, beside the bare echo.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

import powertrain as pt

START = 180.0  # seconds in which a server must answer for the first time
WARM = 20  # requests of each client that are not timed
PREDICTED = 2000  # calls of `predict` in a turn
ECHO = "bare echo"
APPS = Path(__file__).parent / "serving"


def trained(folder: Path, hidden: Sequence[int]) -> Path:
    recipe = {
        "data": {"use": "digits"}, "features": [{"use": "scale", "by": 0.0625}],
        "model": {"use": "mlp", "hidden": list(hidden)}, "optimizer": "adamw", "run": {"until": "1 epochs"},
    }  # fmt: skip
    pt.fit(recipe, folder=folder / "run", verbose=False)
    return folder / "run"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def started(command: list[str], port: int, folder: Path, body: bytes, variables: Mapping[str, str]) -> Iterator[None]:
    """A server, once it has answered a request. It is a session of its own, so that all its processes end with it."""
    environment = {**os.environ, **variables, "SERVE_PORT": str(port)}
    with (folder / "server.log").open("a") as log:
        process = subprocess.Popen(
            command, cwd=APPS, stdout=log, stderr=log, env=environment, start_new_session=True
        )  # fmt: skip
    try:
        until = time.monotonic() + START
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"[bench serve] {' '.join(command[1:4])} ended: {tail(folder / 'server.log')}")
            try:
                asyncio.run(asyncio.wait_for(timed(port, body, 1, 0.0), START))
                break
            except (OSError, EOFError, RuntimeError):  # nobody listens yet, or no model is loaded
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def tail(path: Path) -> str:
    return " ".join(path.read_text().split()[-60:])


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


def predicted(run: pt.TrainedRun, body: bytes) -> list[float]:
    """Seconds of each `predict` of the example of a request, in this process, where nothing else runs."""
    x, found = run.examples(np.array(json.loads(body)["examples"])).astype(run.example.dtype), []
    for _ in range(PREDICTED):
        began = time.perf_counter()
        run.predict(x)
        found.append(time.perf_counter() - began)
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


def servers(run: Path, threads: int) -> Iterator[tuple[str, list[str], int]]:
    """The name of each server, its command and its port."""
    port = free_port()
    uvicorn = [
        sys.executable,
        "-m",
        "uvicorn",
        "--log-level",
        "warning",
        "--http",
        "httptools",
        "--loop",
        "asyncio",
        "--port",
    ]
    yield ECHO, [*uvicorn, str(port), "echo_app:app"], port
    for name, more in (("powertrain serve", []), ("powertrain serve --no-monitor", ["--no-monitor"])):
        port = free_port()
        options = ["--port", str(port), "--threads", str(threads), *more]
        yield name, [sys.executable, "-m", "powertrain", "serve", f"digits={run}", *options], port
    for name, app, needed in (
        ("ONNX Runtime, FastAPI", "onnx_app", ("fastapi", "onnxruntime", "powertrain_onnx")),
        ("PyTorch, FastAPI", "torch_app", ("fastapi", "torch")),
    ):
        if there(name, needed):
            port = free_port()
            yield name, [*uvicorn, str(port), f"{app}:app"], port
    if there("PyTorch, LitServe", ("litserve", "torch")):
        yield "PyTorch, LitServe", [sys.executable, "lit_app.py"], free_port()
    if there("PyTorch, BentoML", ("bentoml", "torch")):
        port = free_port()
        options = ["--host", "127.0.0.1", "--port", str(port)]
        yield "PyTorch, BentoML", [sys.executable, "-m", "bentoml", "serve", "bento_app:Digits", *options], port


def there(name: str, needed: Sequence[str]) -> bool:
    """Whether a peer is installed; what is not is said."""
    lacking = [module for module in needed if importlib.util.find_spec(module) is None]
    if lacking:
        print(f"left out: {name} ({', '.join(lacking)} not installed)")
    return not lacking


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement (default: 5)")
    parser.add_argument("--turns", type=int, default=3, help="all servers so often, one after the other (default: 3)")
    parser.add_argument("--threads", type=int, default=1, help="threads that compute (default: 1)")
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 256], help="of the model (default: 256 256)")
    options = parser.parse_args()
    body = json.dumps({"examples": np.random.default_rng(0).integers(0, 16, (1, 8, 8)).tolist()}).encode()
    found: dict[tuple[str, int], list[float]] = {}
    alone: list[float] = []  # seconds of `predict`
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = trained(folder, options.hidden)
        variables = {
            "SERVE_THREADS": str(options.threads), "SERVE_SIZES": ",".join(map(str, (64, *options.hidden, 10))),
            "SERVE_ONNX": str(folder / "run.onnx"),
        }  # fmt: skip
        if importlib.util.find_spec("powertrain_onnx") is not None:
            pt.load(run).export("onnx", folder / "run.onnx")
        pt.set_threads(options.threads)
        loaded = pt.load(run)
        for _ in range(options.turns):
            alone += predicted(loaded, body)
            for server, command, port in servers(run, options.threads):
                with started(command, port, folder, body, variables):
                    for clients in options.clients:
                        seconds = asyncio.run(timed(port, body, clients, options.seconds))
                        found.setdefault((server, clients), []).extend(seconds)
                print(f"measured: {server}", file=sys.stderr, flush=True)
    print(f"{os.cpu_count()} cores, {options.turns} turns of {options.seconds:g} s, one example a request")
    print(f"{'server':<30} {'clients':>7} {'p50 ms':>8} {'p99 ms':>8} {'requests/s':>11}")
    for (server, clients), seconds in found.items():
        low, high = np.percentile(seconds, [50, 99]) * 1e3
        rate = len(seconds) / (options.turns * options.seconds)
        print(f"{server:<30} {clients:>7} {low:>8.2f} {high:>8.2f} {rate:>11,.0f}")
    if 1 in options.clients:
        print(f"run.predict of an example: {np.median(alone) * 1e3:.3f} ms")
        echo = np.median(found[ECHO, 1])
        for (server, clients), seconds in found.items():
            if clients == 1 and server.startswith("powertrain"):
                above = np.median(seconds) - np.median(alone)
                print(f"{server}: {above * 1e3:.3f} ms above it, {above / echo:.2f} times the bare echo")


if __name__ == "__main__":
    main()
