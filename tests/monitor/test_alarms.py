"""Where alarms go: a webhook that is bounded in time and scheme, the log, metrics that Prometheus can parse."""

from __future__ import annotations

import http.server
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.monitor import Event, Monitor, MonitorError, Profile, Webhook

EVENT = Event("drift", True, 3.0, ("age", 'a"b'), 1000)
DASHBOARD = Path(__file__).parents[2] / "docs" / "guides" / "monitoring-dashboard.json"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Notes what is posted; /slow never answers, /moved sends elsewhere, /broken fails."""

    def do_POST(self) -> None:
        server: Any = self.server
        server.seen.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        if self.path == "/slow":
            server.released.wait(20)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
        else:
            self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()

    def log_message(self, *given: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    made: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    made.seen, made.released = [], threading.Event()
    made.daemon_threads = True
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.released.set()
    made.shutdown()
    made.server_close()


def address(server: Any, path: str) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def test_an_event_is_posted_as_json(server: Any) -> None:
    hook = Webhook(address(server, "/ok"), source="fraud")
    hook(EVENT)
    assert hook.close() and (hook.sent, hook.failed) == (1, 0)
    ((path, body),) = server.seen
    assert path == "/ok" and json.loads(body) == {
        "source": "fraud", "text": 'alarm drift: 3 (age, a"b) after 1,000 examples', "rule": "drift", "on": True,
        "value": 3.0, "features": ["age", 'a"b'], "examples": 1000,
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/broken", "/moved"])
def test_what_is_not_taken_is_counted_and_followed_nowhere(server: Any, path: str) -> None:
    hook = Webhook(address(server, path))
    hook(EVENT)
    assert not hook.close() and (hook.sent, hook.failed) == (0, 1)
    assert [one for one, _ in server.seen] == [path]


def test_who_observes_never_waits(server: Any) -> None:
    hook = Webhook(address(server, "/slow"), seconds=0.5)
    began = time.monotonic()
    for _ in range(150):
        hook(EVENT)
    assert time.monotonic() - began < 0.4 and hook.dropped >= 49
    assert not hook.close()
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/",
        "example.org",
        "http://",
        "gopher://x/",
        "http://[x",
        "http://x:y/",
        "http://x/a b",
        "",
    ],
)
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(MonitorError) as caught:
        Webhook(url)
    wanted = "expected an address that begins with http:// or https://, without a password and spaces; correct it"
    assert str(caught.value) == f"[Webhook] received {url}; {wanted}"


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(MonitorError) as caught:
        Webhook("https://me:hidden@example.org/alarms")
    assert "hidden" not in str(caught.value) and "without a password" in str(caught.value)


def test_threads_that_alarm_at_once_share_one_sender(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    make = threading.Thread.__init__

    def slowly(thread: threading.Thread, *given: Any, **named: Any) -> None:
        if named.get("name") == "powertrain webhook":
            begun.append(named["name"])
            time.sleep(0.1)
        make(thread, *given, **named)

    monkeypatch.setattr(threading.Thread, "__init__", slowly)
    hook = Webhook(address(server, "/ok"))
    makers = [threading.Thread(target=hook, args=(EVENT,)) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert hook.close() and hook.sent == 4 and len(begun) == 1


def test_the_log_has_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "powertrain.monitor"):
        pt.monitor.to_log(Event("drift\nFAKE", True, 1.0, (), 5))
    ((_, level, text),) = caplog.record_tuples
    assert level == logging.WARNING and "\n" not in text


def test_metrics_are_of_prometheus_text_format() -> None:
    x = np.random.default_rng(0).normal(size=(1000, 2))
    monitor = Monitor(Profile.of(x, names=('a"b\\', "c\nd")), window=400)
    monitor.observe(x[:400] + np.array([2.0, 0.0]))
    text = pt.monitor.prometheus(monitor.state(), model="m")
    sample = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)*\})? -?[0-9.e+-]+')
    for line in text.splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or sample.fullmatch(line), line
    assert 'powertrain_monitor_alarm{model="m",rule="drift"} 1\n' in text
    assert 'feature="a\\"b\\\\"' in text and 'feature="c\\nd"' in text


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    board = json.loads(DASHBOARD.read_text())
    text = pt.monitor.prometheus(Monitor(Profile.of(np.arange(9.0))).state())
    known = set(re.findall(r"# TYPE (\w+)", text))
    asked = {name for panel in board["panels"] for target in panel.get("targets", [])
             for name in re.findall(r"powertrain_monitor_\w+", target["expr"])}  # fmt: skip
    assert len(asked) >= 6 and asked <= known
    assert all({"title", "type", "gridPos"} <= set(panel) for panel in board["panels"])
