"""`powertrain serve` as a process: who may ask, signals, a kill, logs, metrics, memory."""

from __future__ import annotations

import ctypes
import gc
import io
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serve_client import ask
from serve_process import Process, process

import powertrain as pt
from powertrain.cli import main
from powertrain_serve.app import Application
from powertrain_serve.command import _settle
from powertrain_serve.container import distributions_of
from powertrain_serve.listening import bound_socket, server
from powertrain_serve.loading import Loader
from powertrain_serve.logs import LOGGER, log, on_standard_error
from powertrain_serve.service import Service
from powertrain_serve.settings import TOKEN_VARIABLE, Settings, demand_safe, is_local, token_of
from powertrain_serve.settling import Settling
from powertrain_serve.watching import MOST_WAITING

TOKEN = "a-token-of-32-letters-for-a-test"


def test_addresses_of_this_machine() -> None:
    for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"):
        assert is_local(host)
    for host in ("0.0.0.0", "::", "192.168.1.1", "example.com", "", "localhost.example.com"):
        assert not is_local(host)


def test_other_machines_need_a_token(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demand_safe("127.0.0.1", "", False)
    demand_safe("0.0.0.0", TOKEN, False)
    demand_safe("0.0.0.0", "", True)
    assert main(["serve", str(digits), "--host", "0.0.0.0"]) == 2
    assert capsys.readouterr().err.strip() == (
        "[serve --host 0.0.0.0] an address that other machines reach, and no token; expected one in "
        "POWERTRAIN_SERVE_TOKEN or --token-file; give one, leave --host out, or say --no-auth where something before "
        "the server checks who asks"
    )


def test_tokens_come_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert token_of(None) == ""
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    assert token_of(None) == TOKEN
    (tmp_path / "token").write_text(f"  {TOKEN}x\n")
    assert token_of(tmp_path / "token") == f"{TOKEN}x"
    for text in ("short", "with a space in the middle", "Köln" * 8):
        (tmp_path / "token").write_text(text)
        with pytest.raises(pt.Error, match=f"a token of {len(text)} characters; expected at least 16"):
            token_of(tmp_path / "token")
    with pytest.raises(pt.Error, match="No such file"):
        token_of(tmp_path / "none")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "[serve] no run; expected runs, or --models FILE"),
        (["nowhere"], "[serve nowhere] no checkpoints (No such file or directory); expected the folder of a run"),
        (["--models", "nowhere.toml"], "[serve nowhere.toml] No such file or directory; expected a TOML file"),
        (["a", "--models", "b.toml"], "[serve] 1 runs and b.toml; expected runs, or --models FILE"),
        (["--container-file", "a", "b"], "[serve --container-file] 2 runs; expected one; name a single run"),
    ],
)
def test_mistakes_are_said(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--port", "0", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_port_in_use_is_said(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", str(digits), "--port", str(port)]) == 2
    assert f"[serve] 127.0.0.1 port {port}: Address already in use; expected" in capsys.readouterr().err


def test_answers_are_sent_at_once() -> None:
    """asyncio turns Nagle's algorithm off, which costs 40 ms an answer, where a socket names its protocol."""
    with bound_socket(Settings(port=0)) as bound:
        assert bound.proto == socket.IPPROTO_TCP


def test_a_container_file_for_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "runs/digits-1", "--port", "9000", "--container-file"]) == 0
    said = capsys.readouterr().out
    assert "COPY --chown=root:root runs/digits-1 /models/digits-1\n" in said and "USER serve" in said
    assert '"--port", "9000"]' in said and f'"powertrain=={pt.__version__}"' in said


def test_a_container_has_the_plugins_of_its_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uses = [
        {"group": "data", "use": "table", "distribution": "powertrain-tabular", "version": "0.1.0"},
        {"group": "model", "use": "mlp", "distribution": "powertrain", "version": "0.1.0"},
        {"group": "loss", "use": "./mine.py:Loss", "file": "mine.py", "sha256": "0"},
        {"group": "metric", "use": "x", "distribution": "x; rm -rf /", "version": "1"},
        {"group": "metric", "use": "y", "distribution": "y", "version": '1" && reboot "'},
    ]
    (tmp_path / "run.lock").write_text(json.dumps({"uses": uses}))
    assert main(["serve", str(tmp_path), "--container-file"]) == 0
    said = capsys.readouterr().out
    assert f'"powertrain=={pt.__version__}" "powertrain-serve[metrics]" "powertrain-tabular==0.1.0"\n' in said
    for damaged in ("[]", "{", '{"uses": 7}', '{"uses": [7]}'):
        (tmp_path / "run.lock").write_text(damaged)
        assert distributions_of(tmp_path) == []


def test_who_has_no_token_gets_nothing(digits: Path, images: Any) -> None:
    body = {"examples": images[:1].tolist()}
    with process(str(digits), **{TOKEN_VARIABLE: TOKEN}) as served:
        for path in ("/predict", "/v2", "/metrics", "/docs", "/openapi.json", "/nothing"):
            said = ask(served.address, path, body if path == "/predict" else None)
            assert said.status == 401 and said.headers["www-authenticate"] == "Bearer"
        json_type = {"Content-Type": "application/json"}
        for wrong in ("", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN):
            assert ask(served.address, "/predict", body, {**json_type, "Authorization": wrong}).status == 401
        good = {**json_type, "Authorization": f"Bearer {TOKEN}", "Host": "models.example"}
        assert ask(served.address, "/predict", body, good).status == 200
        assert ask(served.address, "/v2/health/ready").status == 200  # what a load balancer asks
        assert served.end() == 0
    assert TOKEN not in json.dumps(served.lines)


def test_logs_name_requests_and_hold_nothing_of_them(digits: Path) -> None:
    with process(str(digits)) as served:
        ask(served.address, "/predict?key=secret-query", {"examples": ["secret-text"]}, {"X-Request-Id": "mine",
            "Content-Type": "application/json"})  # fmt: skip
        ask(served.address, "/secret-path")
        served.wait_for("request", 2)
        assert served.end() == 0
    first, second = [line for line in served.lines if line["event"] == "request"]
    assert (first["id"], first["route"], first["status"], first["model"]) == ("mine", "predict", 400, "digits-1")
    assert (second["route"], second["status"]) == ("other", 404) and "secret" not in json.dumps(served.lines)


def waiting(address: str) -> float:
    """How many requests are in the queue."""
    lines = ask(address, "/metrics").body.decode().splitlines()
    return float(next(line for line in lines if line.startswith("powertrain_waiting_requests")).split()[1])


def test_sigterm_answers_what_was_asked_and_ends(digits: Path, images: Any) -> None:
    """Requests that were sent before the signal are answered; later ones are not taken."""
    body = {"examples": images.tolist() * 6}
    with process(str(digits), "--max-batch", "1") as served:
        said: list[int] = []

        def client() -> None:
            said.append(ask(served.address, "/predict", body).status)

        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 20
        while waiting(served.address) + len(said) < len(threads) and time.monotonic() < until:
            time.sleep(0.01)
        served.process.send_signal(signal.SIGTERM)
        served.wait_for("ending")
        for thread in threads:
            thread.join()
        assert served.process.wait(30) == 0
        with pytest.raises(ConnectionError):
            ask(served.address, "/v2")
    assert said == [200] * 8


def test_a_signal_in_the_middle_of_a_line_of_the_log_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream refuses a second line within the first one: nothing of the handler may depend on it."""
    settings = Settings(port=0)
    service = Service(settings, Loader(settings, dict))
    application = Application(service)
    made = server(application, service, application.direct)

    class Terminal(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, line: Any) -> int:
            if not made.should_exit:
                made.handle_exit(signal.SIGTERM, None)
            return len(line)

    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(io.BufferedWriter(Terminal()), line_buffering=True))
    try:
        with on_standard_error():
            log("alarm")
    finally:
        service.close()
    assert made.should_exit and service.stopping


def test_sighup_reads_the_models_again(digits: Path, other_digits: Path, images: Any, tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text(f'[models.digits]\nversions = {{ 1 = "{digits}" }}\n')
    with process("--models", str(file)) as served:
        body = {"examples": images[:1].tolist()}
        assert ask(served.address, "/predict", body).json["version"] == "1"
        file.write_text(f'[models.digits]\nversions = {{ 2 = "{other_digits}" }}\n')
        served.process.send_signal(signal.SIGHUP)
        assert served.wait_for("loaded", 2)["models"] == ["digits 2"]
        assert ask(served.address, "/predict", body).json["version"] == "2"
        file.write_text("nonsense")
        served.process.send_signal(signal.SIGHUP)
        assert "expected a TOML file" in served.wait_for("reload failed")["reason"]
        assert ask(served.address, "/predict", body).json["version"] == "2"


def test_a_kill_under_load_loses_only_what_was_asked(digits: Path, images: Any) -> None:
    """Whatever arrives whole is right, and a new process on the same folder answers the same."""
    shares = pt.load(digits).predict(images).probabilities.round(6)
    with process(str(digits)) as served:
        lost, right = [0], [0]
        ended = threading.Event()

        def client(number: int) -> None:
            at = number
            while not ended.is_set():
                at = (at + 1) % len(images)
                try:
                    said = ask(served.address, "/predict", {"examples": images[at : at + 1].tolist()})
                    probabilities = list(said.json["predictions"][0]["probabilities"].values())
                except (OSError, ValueError, __import__("http.client").client.HTTPException):
                    lost[0] += 1
                    return
                assert said.status == 200 and probabilities == shares[at].tolist()
                right[0] += 1

        threads = [threading.Thread(target=client, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 60
        while right[0] <= 20 and time.monotonic() < until:
            time.sleep(0.05)
        assert served.end(signal.SIGKILL) == -signal.SIGKILL
        ended.set()
        for thread in threads:
            thread.join()
    assert right[0] > 20 and lost[0] <= 6
    with process(str(digits)) as again:
        said = ask(again.address, "/predict", {"examples": images[:2].tolist()}).json["predictions"]
        assert [list(one["probabilities"].values()) for one in said] == shares[:2].tolist()


def test_metrics_count_requests_and_batches(served: str, images: Any) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")

    def count(name: str) -> float:
        text = ask(served, "/metrics").body.decode()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))

    good, bad = (
        'powertrain_requests_total{route="predict",status="200"}',
        'powertrain_requests_total{route="predict",status="400"}',
    )
    examples = 'powertrain_batch_examples_sum{model="digits",version="1"}'
    before = [count(name) for name in (good, bad, examples)]
    for _ in range(3):
        ask(served, "/predict", {"examples": images[:4].tolist()})
    ask(served, "/predict", {"examples": []})
    assert [count(name) for name in (good, bad, examples)] == [before[0] + 3, before[1] + 1, before[2] + 12]
    assert count('powertrain_loaded{model="digits",version="1"}') == 1


def many_requests(served: Process, images: Any, count: int, clients: int = 8) -> None:
    """Requests of several kinds over kept connections, bad ones among them."""
    import http.client

    good = json.dumps({"examples": images[:3].tolist()})
    bodies = [good, good, good.replace("0.0", "1e999"), '{"examples": [[1]]}', "{", good]

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", int(served.address.rpartition(":")[2]), timeout=60)
        for number in range(count // clients):
            connection.request("POST", "/predict", bodies[number % len(bodies)], {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            assert response.status in (200, 400)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def grown(served: Process, images: Any, count: int) -> int:
    """Bytes by which a process that is warm grows over so many requests. Examples wait for their labels, up to a limit
    that is reached first; the requests that they came with may take some megabytes more."""
    many_requests(served, images, 2000)
    for _ in range(MOST_WAITING // 4000 + 1):
        body = {"examples": np.resize(images, (4000, *images.shape[1:])).tolist()}
        assert ask(served.address, "/predict", body).status == 200
    before = served.bytes()
    many_requests(served, images, count)
    return served.bytes() - before


@pytest.mark.slow
def test_memory_does_not_grow(digits: Path, images: Any) -> None:
    with process(str(digits)) as served:
        assert grown(served, images, 8_000) < 12 << 20


@pytest.mark.long
def test_memory_does_not_grow_for_long(digits: Path, images: Any) -> None:
    with process(str(digits)) as served:
        assert grown(served, images, 100_000) < 12 << 20


def test_the_logger_is_given_back() -> None:
    """A program that serves for a while keeps its own logging, and sees the lines of this package again."""
    before = LOGGER.handlers, LOGGER.propagate, LOGGER.level
    with on_standard_error():
        assert not LOGGER.propagate
    assert (LOGGER.handlers, LOGGER.propagate, LOGGER.level) == before


class Cycle:
    """What only a collection can free."""

    def __init__(self) -> None:
        self.itself = self


def test_models_stay_out_of_collections_until_they_are_replaced() -> None:
    """A collection that looks through all modules and models would hold up requests."""
    kept = Cycle()
    _settle()
    try:
        assert gc.get_freeze_count() > 10_000
        gone = weakref.ref(kept)
        del kept
        gc.collect()
        assert gone() is not None
        _settle()
        assert gone() is None
    finally:
        gc.unfreeze()


def test_reloads_that_follow_do_not_put_off_what_frees_models() -> None:
    times: list[float] = []
    settling = Settling(0.05, lambda: times.append(time.monotonic()))
    end = time.monotonic() + 1
    while (last := time.monotonic()) < end:
        settling.later()
        time.sleep(0.005)
    assert len(times) >= 3
    deadline = time.monotonic() + 20
    while times[-1] < last + 0.05 and time.monotonic() < deadline:  # once more behind the last of them
        time.sleep(0.01)
    assert times[-1] >= last + 0.05
    count = len(times)
    time.sleep(0.2)
    assert len(times) == count


HELD = """
from pathlib import Path
from powertrain_serve.settling import give_back_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

made = [bytes(100_000) for _ in range(2000)]
last = bytes(100_000)  # behind them
del made
before = resident()
give_back_memory()
print(before - resident())
"""


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_freed_memory_goes_back_to_the_system() -> None:
    said = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True, timeout=120)
    assert int(said.stdout) > 100e6
