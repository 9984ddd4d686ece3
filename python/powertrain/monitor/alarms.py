"""Where alarms go: the log, a webhook, and metrics as Prometheus reads them."""

from __future__ import annotations

import http.client
import logging
import queue
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from powertrain.io.console import one_line
from powertrain.io.plain_json import dumps
from powertrain.monitor.errors import MonitorError
from powertrain.monitor.rules import Event

log = logging.getLogger("powertrain.monitor")
_SCHEMES = ("http", "https")
_MOST_QUEUED = 100
Samples: TypeAlias = list[tuple[Mapping[str, str], float]]  # labels and value of each


def to_log(event: Event) -> None:
    """Write an event to the logger powertrain.monitor: a warning where an alarm begins.

    Example
        >>> pt.monitor.to_log(pt.monitor.Event("drift", False, 0.0, (), 1000))
    """
    log.log(logging.WARNING if event.on else logging.INFO, "%s", one_line(event.text()))


class Webhook:
    """Posts each event as JSON to an http or https address, from a thread of its own: who observes never waits.

    seconds   the time limit for one post. What is not sent within it is counted in `failed`, and not sent again
    source    what the JSON says as "source", such as the name of the model

    Redirects are not followed, and proxies of the environment are not used. While 100 events wait, further ones are
    dropped and counted.

    Example
        >>> hook = pt.monitor.Webhook("https://example.org/alarms")
        >>> hook.close()
        True
    """

    def __init__(self, url: str, *, seconds: float = 5.0, source: str = "powertrain") -> None:
        host = _host_of(url)
        if host is None:
            raise MonitorError(
                f"[Webhook] received {_shown(url)}; expected an address that begins with http:// or https://, without "
                "a password and spaces; correct it"
            )
        self.url, self.seconds, self.source = url, seconds, source
        self._host = host  # the rest of the address may be a secret, so it stays out of the log
        self.sent = self.failed = self.dropped = 0
        self._queue: queue.Queue[Event | None] = queue.Queue(_MOST_QUEUED)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._opener = urllib.request.OpenerDirector()
        for handler in (urllib.request.HTTPHandler(), urllib.request.HTTPSHandler()):
            self._opener.add_handler(handler)

    def __call__(self, event: Event) -> None:
        """Queue an event."""
        with self._starting:  # several threads may observe
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="powertrain webhook", daemon=True)
                self._thread.start()
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self.dropped += 1

    def close(self) -> bool:
        """Wait until what is queued is sent, for one time limit at most; whether all of it was."""
        if self._thread is None:
            return True
        try:
            self._queue.put(None, timeout=self.seconds)
        except queue.Full:
            return False
        self._thread.join(self.seconds)
        done = not self._thread.is_alive()
        return done and not self.failed and not self.dropped

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self._post(event)
                self.sent += 1
            except (OSError, ValueError, http.client.HTTPException) as error:
                self.failed += 1
                log.warning("webhook at %s: %s", one_line(self._host), one_line(error))

    def _post(self, event: Event) -> None:
        body = dumps({"source": self.source, "text": event.text(), **vars(event)}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "powertrain"}
        request = urllib.request.Request(self.url, body, headers, method="POST")
        answer = self._opener.open(request, timeout=self.seconds)
        if answer is None:
            raise ValueError("no answer")
        with answer:
            if not 200 <= answer.status < 300:
                raise ValueError(f"it answered {answer.status}")


def _shown(url: str) -> str:
    """An address without what stands before an @, which may be a password."""
    return one_line(url.rpartition("@")[2] if "@" in url else url)


def _host_of(url: str) -> str | None:
    """The host of an address that can be posted to. One with a user and a password is none: urllib takes them for a
    part of the host, and its error would write them to the log."""
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port  # an error where it is no number
    except ValueError:
        return None
    plain = url.isascii() and url.isprintable() and " " not in url
    return parts.hostname if plain and parts.scheme in _SCHEMES and "@" not in parts.netloc else None


def prometheus(state: Mapping[str, Any] | Sequence[tuple[Mapping[str, Any], Mapping[str, str]]], **given: str) -> str:
    """A monitor's state as Prometheus reads metrics (text format 0.0.4); `given` are labels of every sample.

    Of several monitors as one text, since Prometheus takes a family once: pairs of a state and its own labels.

    Example
        >>> profile = pt.monitor.Profile.of(np.arange(10.0))
        >>> print(pt.monitor.prometheus(pt.monitor.Monitor(profile).state(), model="fraud").splitlines()[2])
        powertrain_monitor_examples_total{model="fraud"} 0
    """
    states = [(state, {})] if isinstance(state, Mapping) else list(state)
    lines: list[str] = []

    def family(name: str, kind: str, text: str, samples: Callable[[Any], Samples]) -> None:
        full = f"powertrain_monitor_{name}"
        lines.extend([f"# HELP {full} {text}", f"# TYPE {full} {kind}"])
        for one, own in states:
            lines.extend(f"{full}{_labels({**given, **own, **labels})} {value:.10g}" for labels, value in samples(one))

    for name, kind, text in (
        ("examples_total", "counter", "Examples that were observed."),
        ("labelled_total", "counter", "Examples whose label has arrived."),
        ("window", "gauge", "Examples in the window."),
        ("waiting", "gauge", "Predictions that wait for their label."),
        ("dropped_total", "counter", "Predictions that were dropped before their label came."),
    ):
        family(name, kind, text, partial(_of_monitor, name.removesuffix("_total")))
    family("alarm", "gauge", "1 while the alarm of a rule is on.", _of_rules)
    for name, text in (
        ("psi", "Population stability index of a feature."),
        ("p", "Corrected p-value of a feature."),
        ("missing", "Share of examples without a value."),
        ("outside", "Share of examples beyond the range of the reference."),
        ("unseen", "Share of examples with a value that the reference lacks."),
        ("now", "Measure of the model on labelled examples of the window."),
        ("before", "The same on the reference."),
    ):
        family(name, "gauge", text, partial(_of_features, name))
    return "\n".join(lines) + "\n"


def _of_monitor(name: str, state: Mapping[str, Any]) -> Samples:
    return [({}, state[name])]


def _of_rules(state: Mapping[str, Any]) -> Samples:
    return [({"rule": rule}, float(on)) for rule, on in state["alarms"].items()]


def _of_features(name: str, state: Mapping[str, Any]) -> Samples:
    rows = state["features"].items()
    return [({"feature": feature, "kind": row["kind"]}, row[name]) for feature, row in rows if name in row]


def _labels(labels: Mapping[str, str]) -> str:
    shown = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{shown}}}" if shown else ""


def _escaped(text: str) -> str:
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
