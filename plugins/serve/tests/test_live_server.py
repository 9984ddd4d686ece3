"""The server of the live page: who may ask, what it answers, and the command that runs it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from live_pages import TOKEN, live
from serve_client import ask, connected

from powertrain.cli import main
from powertrain.live.board import identity
from run_folders import begun, metrics, shown, write


def events(address: str, token: str = TOKEN) -> Any:
    """What the page is told, one (kind, data) after the other."""
    with connected(address) as link:
        link.sendall(f"GET /{token}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with link.makefile("rb") as stream:
            kind = ""
            for raw in stream:
                name, _, text = raw.decode().rstrip().partition(": ")
                if name == "event":
                    kind = text
                elif name == "data":
                    yield kind, json.loads(text)


@pytest.mark.parametrize(
    "path", ["/", "/wrong/", f"/{TOKEN}x/", f"/{TOKEN[:-1]}/", f"//{TOKEN}/", "/favicon.ico", "/%C3%A4/"]
)
def test_without_the_token_nothing_is_answered(tmp_path: Path, path: str) -> None:
    begun(tmp_path / "a")
    with live(tmp_path) as address:
        for below in ("", "page.js", "events", f"runs/{identity(tmp_path / 'a')}"):
            answer = ask(address, path + below)
            assert answer.status == 403
            assert answer.body == b"no valid token; expected the address that powertrain watch printed; open that one\n"


@pytest.mark.parametrize("host", ["example.com", "example.com:8100", "localhost.example.com", "", "192.168.1.1"])
def test_a_page_of_another_name_for_this_machine_gets_nothing(tmp_path: Path, host: str) -> None:
    with live(tmp_path) as address:
        assert ask(address, f"/{TOKEN}/", headers={"Host": host}).status == 421
        assert ask(address, f"/{TOKEN}/", headers={"Host": "localhost:8100"}).status == 200


PATHS = ["/../run.json", "/%2e%2e/run.json", "/runs/..%2f..%2frun.json", "/runs/a", "/runs/", "/a/ledger.jsonl",
         "/page.html", "/static/page.js", "/nowhere"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_no_other_file_is_reachable(tmp_path: Path, path: str) -> None:
    begun(tmp_path / "a")
    with live(tmp_path) as address:
        assert ask(address, f"/{TOKEN}{path}").status in (307, 404)
        assert b"digits" not in ask(address, f"/{TOKEN}{path}").body


def test_only_reading_is_allowed(tmp_path: Path) -> None:
    with live(tmp_path) as address:
        for path in ("/", "/events", "/page.js"):
            assert ask(address, f"/{TOKEN}{path}", b"", method="POST").status == 405


def test_the_page_forbids_what_it_does_not_need(tmp_path: Path) -> None:
    with live(tmp_path) as address:
        for path in ("/", "/page.js", "/page.css", "/charts.js", "/charts.css"):
            answer = ask(address, f"/{TOKEN}{path}")
            assert answer.status == 200 and answer.body
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert answer.headers["referrer-policy"] == "no-referrer" and answer.headers["cache-control"] == "no-store"


def test_events_tell_of_runs_as_they_change(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a")
    with live(tmp_path) as address:
        told = events(address)
        kind, first = next(told)
        assert kind == "runs" and [row["step"] for row in first["runs"]] == [0]
        assert next(told)[0] == "load"
        write(folder, metrics(5, {"train.loss": 0.5}))
        second = next(data for kind, data in told if kind == "runs")
        assert [row["step"] for row in second["runs"]] == [5]
        found = ask(address, f"/{TOKEN}/runs/{second['runs'][0]['id']}").json
        assert found["charts"] == [
            {"title": "loss", "across": "step", "lines": [{"name": "train", "x": [5], "y": [0.5]}]}
        ]
        told.close()


def test_samples_are_handed_out_by_name(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a")
    path = shown(folder, 3, ("a", "b"))
    with live(tmp_path) as address:
        next(events(address))
        run = f"/{TOKEN}/runs/{identity(folder)}"
        (listed,) = ask(address, run).json["sheets"]
        answer = ask(address, f"{run}/samples/{listed['file']}")
        assert (answer.status, answer.headers["content-type"], answer.body) == (200, "image/png", path.read_bytes())
        assert answer.headers["x-content-type-options"] == "nosniff"
        for name in (
            "round-000000000004.png",
            "..%2frun.json",
            "%2e%2e/run.json",
            "round-000000000003.wav",
            "9" * 5000,
        ):
            assert ask(address, f"{run}/samples/{name}").status == 404
        assert ask(address, f"/{TOKEN}/runs/none/samples/{path.name}").status == 404
        assert ask(address, f"/wrong/runs/{identity(folder)}/samples/{path.name}").status == 403


def test_nothing_is_written_into_a_run(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a", steps=3)

    def everything() -> dict[str, tuple[int, int]]:
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")}

    before = everything()
    with live(tmp_path) as address:
        next(events(address))
        assert ask(address, f"/{TOKEN}/runs/{identity(folder)}").status == 200
    assert everything() == before


def watching(*options: str) -> tuple[subprocess.Popen[str], str, Any]:
    """The command, what it says first, and the events of a page that is open."""
    command = [sys.executable, "-m", "powertrain", "watch", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(2)]
    found = re.fullmatch(r"open (http://127\.0\.0\.1:\d+)/([\w-]{32})/\n", said[1])
    assert found, said
    assert ask(found[1], f"/{found[2]}/").status == 200 and ask(found[1], "/").status == 403
    told = events(found[1], found[2])
    assert next(told)[0] == "runs"
    return process, said[0], told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_while_a_page_is_open(tmp_path: Path, number: int) -> None:
    begun(tmp_path / "a")
    process, said, told = watching(str(tmp_path))
    assert said == f"watching {tmp_path}; Ctrl-C ends it\n"
    process.send_signal(number)
    rest, wrong = process.communicate(timeout=60)
    assert (process.returncode, rest, wrong) == (0, "", "")
    assert {kind for kind, _ in told} <= {"load", "runs"}  # and the connection ended


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_as_soon_as_it_has_said_its_address(tmp_path: Path, number: int) -> None:
    program = (
        "import os; from powertrain.live.page import LivePage; from powertrain_serve.live import serve_live; "
        f"serve_live(LivePage([]), 0, lambda address: os.kill(os.getpid(), {number:d})); print('ended')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")


def test_without_runs_it_waits_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    process, said, _ = watching()
    assert said == "watching runs; Ctrl-C ends it\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "") and not list(tmp_path.iterdir())


def test_what_cannot_be_watched_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(tmp_path / "nowhere")]) == 2
    assert "it is not there; expected a run, or a folder of runs; see powertrain runs" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["watch", str(tmp_path), "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"[watch] 127.0.0.1 port {port}: Address already in use; expected" in said
    assert said.endswith("name others: --port\n")
    assert main(["watch", str(tmp_path), "--port", "70000"]) == 2
