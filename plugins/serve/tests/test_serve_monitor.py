"""Served models are watched: drift of what is asked, labels that come later, pages, gauges, alarms."""

from __future__ import annotations

import dataclasses
import http.server
import json
import logging
import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serve_client import Answer, ask
from serve_process import process

import powertrain as pt
from powertrain.cli import main
from powertrain_serve import Settings, Watched, running, watching
from powertrain_serve.answers import Answers
from powertrain_serve.bodies import Given
from powertrain_serve.logs import LOGGER
from powertrain_serve.metrics import Metrics
from powertrain_serve.model import Model
from powertrain_serve.watching import MOST_HELD, Watch

DASHBOARD = Path(__file__).parents[3] / "docs" / "guides" / "serving-dashboard.json"
WINDOW = 240  # the usual rules ask for 200 examples


@pytest.fixture(scope="module")
def address(digits: Path, customers: Path, book: Path) -> Iterator[str]:
    runs = {"digits": digits, "customers": customers, "book": book}
    with running(runs, Settings(port=0, watched=Watched(window=WINDOW))) as found:
        yield found


@pytest.fixture(scope="module")
def known() -> Any:
    """What the run was trained on: images, and their classes."""
    noise, y = np.random.default_rng(0), np.arange(200) % 10
    return (noise.uniform(0, 16, (200, 8, 8)) + y[:, None, None]).astype("float32"), y


def predict(address: str, images: Any, name: str = "digits") -> Answer:
    return ask(address, f"/models/{name}/predict", {"examples": images.tolist()})


def sample(address: str, name: str, **labels: str) -> float | None:
    """A number of /metrics; None where it is not there."""
    for line in ask(address, "/metrics").body.decode().splitlines():
        if line.startswith(f"{name}{{") and all(f'{key}="{value}"' in line for key, value in labels.items()):
            return float(line.rpartition(" ")[2])
    return None


def until(address: str, name: str, value: float, **labels: str) -> None:
    end = time.monotonic() + 90
    while sample(address, name, **labels) != value:
        assert time.monotonic() < end, (name, sample(address, name, **labels))
        time.sleep(0.05)


def test_what_is_asked_is_compared_with_the_profile(address: str, known: Any) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")
    images, _ = known
    before = sample(address, "powertrain_monitor_examples_total", model="digits") or 0
    for at in range(0, WINDOW, 40):
        assert predict(address, images[at % 200 : at % 200 + 40]).status == 200
    until(address, "powertrain_monitor_examples_total", before + WINDOW, model="digits")
    until(address, "powertrain_monitor_window", WINDOW, model="digits")
    assert sample(address, "powertrain_monitor_alarm", model="digits", rule="drift") == 0
    for at in range(0, WINDOW, 40):
        assert predict(address, images[at % 200 : at % 200 + 40] + 40).status == 200
    until(address, "powertrain_monitor_alarm", 1, model="digits", rule="drift")
    assert (sample(address, "powertrain_monitor_psi", model="digits", feature="x mean") or 0) > 0.2
    assert sample(address, "powertrain_monitor_psi", model="customers") is None


def test_columns_of_a_table_are_compared_as_they_came(address: str) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")
    rows = [{"age": 30 + row % 20, "city": "Rome" if row % 2 else None, "since": "2024-01-07"} for row in range(WINDOW)]
    assert ask(address, "/models/customers/predict", {"examples": rows}).status == 200
    until(address, "powertrain_monitor_alarm", 1, model="customers", rule="unseen values")
    assert sample(address, "powertrain_monitor_window", model="customers") == WINDOW
    assert sample(address, "powertrain_monitor_unseen", model="customers", feature="city") == 0.5
    assert sample(address, "powertrain_monitor_missing", model="customers", feature="city") == 0.5


def test_labels_that_come_later_tell_how_well_the_model_does(address: str, known: Any) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")
    images, y = known
    for at in range(0, 80, 20):
        said = predict(address, images[at : at + 20])
        labels: list[Any] = [int(one) if one % 2 else str(one) for one in y[at : at + 20]]
        told = ask(address, "/feedback", {"id": said.headers["x-request-id"], "labels": labels})
        assert told.json == {"id": said.headers["x-request-id"], "model": "digits", "version": "1", "labels": 20}
    until(address, "powertrain_monitor_labelled_total", 80, model="digits")
    assert sample(address, "powertrain_feedback_labels_total", model="digits") == 80


def test_requests_may_pass_between_two_pieces_of_what_is_observed(
    digits: Path, known: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Observed all at once, 1,000 examples would hold Python's lock for as long as some requests take."""
    model = Model.of_folder("digits", "1", digits, False, None)
    images = np.resize(known[0], (40, *known[0].shape[1:]))
    answers = model.answers(images)
    pieces: list[int] = []
    rests: list[float] = []
    watch = Watch(Watched(window=400), Metrics(False, lambda: 0, lambda: 0))
    watch.keep([model])
    monkeypatch.setattr(watch, "_observe", lambda several: pieces.append(sum(len(one.examples) for one in several)))
    monkeypatch.setattr(watch, "_rest", rests.append)
    for number in range(25):
        watch.see(model, str(number), Given(images), Answers([answers]), 0)
    end = time.monotonic() + 90
    while sum(pieces) < 1000:
        assert time.monotonic() < end
        time.sleep(0.02)
    watch.close()
    assert max(pieces) <= 280 and len(pieces) < 25  # of seven requests, as far as they had come
    assert len(rests) > len(pieces) and min(rests) >= 0


def test_performance_follows_from_labels(digits: Path, known: Any) -> None:
    model = Model.of_folder("digits", "1", digits, False, None)
    model.warm(1)
    model.profile = dataclasses.replace(model.profile, scores=pt.monitor.Scores("accuracy", 0.99, 0.1, 1000))
    watch = Watch(Watched(window=40), Metrics(False, lambda: 0, lambda: 0))
    watch.keep([model])
    images, y = known
    answers = model.answers(images)
    for number in range(10):
        rows = slice(20 * number, 20 * number + 20)
        watch.see(model, str(number), Given(images[rows]), Answers([answers[rows]]), 0)
        assert watch.feedback(str(number), y[rows].tolist(), None) is model
    end = time.monotonic() + 90
    while (state := watch.states()[0][0])["labelled"] < 200:
        assert time.monotonic() < end
        time.sleep(0.05)
    watch.close()
    right = (answers.labels[160:] == y[160:]).mean()  # the window of scores
    assert (
        state["features"]["accuracy"]["now"] == pytest.approx(right) and state["features"]["accuracy"]["before"] == 0.99
    )


def copied(run: Path, folder: Path) -> Path:
    """A run of a test's own, without the labels that servers of others were told."""
    return Path(shutil.copytree(run, folder / "digits-1", ignore=shutil.ignore_patterns("feedback*")))


def test_labels_outlive_the_server_that_was_told(digits: Path, known: Any, tmp_path: Path) -> None:
    run = copied(digits, tmp_path)
    model = Model.of_folder("digits", "1", run, False, None)
    model.warm(1)
    model.profile = dataclasses.replace(model.profile, scores=pt.monitor.Scores("accuracy", 0.99, 0.1, 1000))
    images, y = known
    answers = model.answers(images)
    first = Watch(Watched(window=100), Metrics(False, lambda: 0, lambda: 0))
    first.keep([model])
    first.see(model, "a", Given(images), Answers([answers]), 0)
    first.feedback("a", y.tolist(), None)
    first.close()
    second = Watch(Watched(window=100), Metrics(False, lambda: 0, lambda: 0))
    second.keep([model])
    ((state, _),) = second.states()
    second.close()
    right = (answers.labels[100:] == y[100:]).mean()  # the window of scores
    assert state["features"]["accuracy"]["now"] == pytest.approx(right) and state["labelled"] == 0


def test_labels_outlive_a_kill(digits: Path, known: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = copied(digits, tmp_path)
    images, y = known
    file = run / "feedback.jsonl"
    with process(str(run)) as server:
        said = predict(server.address, images[:40], "digits-1")
        body = {"id": said.headers["x-request-id"], "labels": y[:40].tolist()}
        assert ask(server.address, "/feedback", body).status == 200
        end = time.monotonic() + 60
        while not file.exists() or not file.read_bytes().endswith(b"\n"):
            assert time.monotonic() < end
            time.sleep(0.05)
        server.process.kill()
        server.process.wait(10)
    file.write_bytes(file.read_bytes() + b'{"time": 1, "said": ["3"], "tr')  # of a kill within a line
    capsys.readouterr()
    assert main(["monitor", str(run)]) == 0
    assert "later  40 labels came to a server" in capsys.readouterr().out
    assert main(["monitor", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["feedback"]["labels"] == 40


def test_labels_that_cannot_be_written_cost_nothing_else(
    digits: Path, known: Any, tmp_path: Path, said: list[logging.LogRecord]
) -> None:
    run = copied(digits, tmp_path)
    (run / "feedback.jsonl").mkdir()
    images, y = known
    with running({"digits": run}, Settings(port=0, watched=Watched(window=WINDOW))) as address:
        for at in (0, 20):
            asked = predict(address, images[at : at + 20])
            body = {"id": asked.headers["x-request-id"], "labels": y[at : at + 20].tolist()}
            assert ask(address, "/feedback", body).status == 200
            time.sleep(0.5)  # so that they come one after the other
        until(address, "powertrain_monitor_labelled_total", 40, model="digits")
    assert sum(record.getMessage() == "feedback not kept" for record in said) == 1


def test_answers_are_rated(address: str) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")
    plain = ask(address, "/models/book/predict", b"The engine", {"Content-Type": "text/plain"})
    said = ask(address, "/v1/completions", {"model": "book", "prompt": "The"})
    assert said.json["id"] == f"cmpl-{said.headers['x-request-id']}"
    for one, rating in ((plain, 1), (said, 0.5), (said, 0)):
        assert ask(address, "/feedback", {"id": one.headers["x-request-id"], "rating": rating}).status == 200
    assert sample(address, "powertrain_feedback_rating_count", model="book") == 3
    assert sample(address, "powertrain_feedback_rating_sum", model="book") == 1.5


WRONG: list[tuple[Any, int, str]] = [
    ({}, 400, "JSON of another form; expected"),
    ([], 400, "JSON of another form"),
    ({"id": "mine"}, 400, "send one of these"),
    ({"id": "mine", "labels": ["1", "2"], "rating": 1}, 400, "send one of these"),
    ({"id": 7, "rating": 1}, 400, "JSON of another form"),
    ({"id": "mine", "rating": 2}, 400, "the rating 2; expected a number from 0 to 1"),
    ({"id": "mine", "rating": True}, 400, "the rating True"),
    ({"id": "mine", "labels": "all"}, 400, "labels is not a list"),
    ({"id": "mine", "labels": ["1"]}, 400, "1 labels for 2 examples; expected one each"),
    ({"id": "mine", "labels": [[1], {}]}, 400, "the label '[1]'; expected a class"),
    ({"id": "mine", "labels": ["a" * 300, "b"]}, 400, "expected a class"),
    ({"id": "other", "labels": ["1"]}, 404, "no request 'other' is waiting"),
    ({"id": "text", "labels": ["1"]}, 400, "labels for book, which is not monitored"),
]


@pytest.mark.parametrize(("body", "status", "reason"), WRONG, ids=lambda part: str(part)[:50])
def test_wrong_feedback_is_refused(body: Any, status: int, reason: str, address: str, images: Any) -> None:
    named = {"Content-Type": "application/json", "X-Request-Id": "mine"}
    assert ask(address, "/models/digits/predict", {"examples": images[:2].tolist()}, named).status == 200
    text = {"Content-Type": "text/plain", "X-Request-Id": "text"}
    assert ask(address, "/models/book/predict", b"The", text).status == 200
    said = ask(address, "/feedback", body)
    assert said.status == status and reason in said.json["error"]


def test_labels_are_taken_once(address: str, images: Any) -> None:
    said = predict(address, images[:1])
    body = {"id": said.headers["x-request-id"], "labels": ["1"]}
    assert [ask(address, "/feedback", body).status for _ in range(2)] == [200, 404]


def test_pages_show_what_was_served(address: str, images: Any) -> None:
    for _ in range(2):
        predict(address, images[:40])
    end = time.monotonic() + 90
    while (
        int(re.findall(r"digits 1</a>: ([0-9,]+)", listed := ask(address, "/monitor").body.decode())[0]) < WINDOW // 4
    ):
        assert time.monotonic() < end, listed
        time.sleep(0.05)
    assert 'href="/monitor/digits/1"' in listed and "book" not in listed
    page = ask(address, "/monitor/digits")
    text = page.body.decode()
    assert (
        page.headers["content-type"].startswith("text/html")
        and "default-src" in page.headers["content-security-policy"]
    )
    assert "digits-1: traffic beside the profile" in text and "<script" not in text
    assert ask(address, "/monitor/digits/1").body.decode() == text  # drawn once in some seconds
    assert ask(address, "/monitor/book").status == 404 and ask(address, "/monitor/none").status == 404


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[logging.LogRecord]]:
    """The warnings of the server, whatever others have done to the loggers of this process."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = records.append  # type: ignore[method-assign]
    monkeypatch.setattr(logging.root.manager, "disable", 0)
    monkeypatch.setattr(LOGGER, "disabled", False)
    monkeypatch.setattr(LOGGER, "handlers", [handler])
    before = LOGGER.level
    LOGGER.setLevel(logging.INFO)
    yield records
    LOGGER.setLevel(before)


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        server.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *given: object) -> None:
        pass


def test_alarms_go_to_the_log_and_a_webhook(digits: Path, images: Any, said: list[logging.LogRecord]) -> None:
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    rule = pt.monitor.Rule("bright", "psi", feature="x mean", above=0.2, min_samples=20)
    watched = Watched(40, (rule,), f"http://127.0.0.1:{server.server_address[1]}/hook")
    with running({"digits": digits}, Settings(port=0, watched=watched)) as address:
        for _ in range(3):
            assert predict(address, images + 100).status == 200
    server.shutdown()
    thread.join()
    server.server_close()
    (told,) = server.seen
    assert (told["source"], told["rule"], told["on"], told["features"]) == ("digits 1", "bright", True, ["x mean"])
    (line,) = [record for record in said if record.getMessage() == "alarm"]
    assert line.fields["rule"] == "bright" and line.fields["model"] == "digits"  # type: ignore[attr-defined]


def test_a_server_may_watch_nothing(digits: Path, images: Any) -> None:
    with running({"digits": digits}, Settings(port=0, watched=None)) as address:
        said = predict(address, images[:1])
        assert ask(address, "/feedback", {"id": said.headers["x-request-id"], "rating": 1}).status == 200
        assert "No model is watched" in ask(address, "/monitor").body.decode()
        assert b"powertrain_monitor_examples" not in ask(address, "/metrics").body


def test_requests_that_are_forgotten_wait_for_no_labels(
    digits: Path, images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each would take memory for as long as many others come, though nobody can name it."""
    monkeypatch.setattr(watching, "MOST_ASKED", 10)
    model = Model.of_folder("digits", "1", digits, False, None)
    watch = Watch(Watched(), Metrics(False, lambda: 0, lambda: 0))
    watch.keep([model])
    found = watch.one(model)
    assert found is not None
    answers = Answers([model.answers(images[:3])])
    for at in [*range(30), 0]:  # the last one is a client that uses a name again
        watch.see(model, f"r{at}", Given(images[:3]), answers, 0)
    watch.close()
    assert found.monitor.state()["waiting"] == 30 and found.monitor.state()["dropped"] == 60
    with pytest.raises(pt.Error, match="no request 'r20'"):
        watch.feedback("r20", ["1"] * 3, None)
    watch.feedback("r0", None, 1.0)


class Told:
    """Outputs of a model that hold up the thread that looks at them."""

    def __init__(self, gate: threading.Event, outputs: Any) -> None:
        self.gate, self.kept = gate, outputs

    @property
    def outputs(self) -> Any:
        assert self.gate.wait(20)
        return self.kept


def test_a_monitor_that_cannot_keep_up_skips_examples_and_holds_nobody_up(digits: Path, images: Any) -> None:
    model = Model.of_folder("digits", "1", digits, False, None)
    model.warm(1)
    skipped: list[int] = []
    metrics = Metrics(False, lambda: 0, lambda: 0)
    metrics.skipped = lambda model, examples: skipped.append(examples)  # type: ignore[method-assign, assignment]
    watch, gate = Watch(Watched(window=40), metrics), threading.Event()
    watch.keep([model])
    examples, outputs = images[:10], model.answers(images[:10]).outputs
    answers: Any = Told(gate, outputs)
    body = MOST_HELD // 8 // 10
    began = time.monotonic()
    watch.see(model, "first", Given(examples), answers, body)
    time.sleep(0.5)  # it is being looked at
    for number in range(100):
        watch.see(model, str(number), Given(examples), answers, body)
    assert time.monotonic() - began < 5
    assert sum(skipped) >= 880 and sum(skipped) % 10 == 0
    gate.set()
    watch.close()
    assert watch.states() == []


def test_a_fault_in_a_monitor_ends_nothing(digits: Path, images: Any, said: list[logging.LogRecord]) -> None:
    model = Model.of_folder("digits", "1", digits, False, None)
    model.warm(1)
    watch = Watch(Watched(window=40), Metrics(False, lambda: 0, lambda: 0))
    watch.keep([model])
    good = Answers([model.answers(images)])
    for number in range(2):
        watch.see(model, f"bad {number}", Given(images), Answers([model.answers(images[:3])]), 0)
        time.sleep(0.5)
    watch.see(model, "good", Given(images), good, 0)
    time.sleep(0.5)
    ((state, _),) = watch.states()
    watch.close()
    assert state["examples"] == 40
    assert [record.getMessage() for record in said] == ["monitor failed"]  # once for a model


def test_a_model_that_was_replaced_is_let_go(digits: Path, images: Any) -> None:
    import gc
    import weakref

    watch = Watch(Watched(), Metrics(False, lambda: 0, lambda: 0))
    model = Model.of_folder("digits", "1", digits, False, None)
    watch.keep([model])
    watch.see(model, "a", Given(images[:1]), Answers([model.answers(images[:1])]), 0)
    time.sleep(0.5)
    watch.keep([])
    with pytest.raises(pt.Error, match="digits 1, which was replaced; expected one that is served"):
        watch.feedback("a", ["1"], None)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    with pytest.raises(pt.Error, match="no request 'a'"):
        watch.feedback("a", None, 1.0)
    watch.close()


def test_the_dashboard_asks_for_metrics_that_there_are(address: str, images: Any) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")
    predict(address, images)
    dashboard = json.loads(DASHBOARD.read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    asked += " ".join(one.get("query", "") for one in dashboard["templating"]["list"])
    names = set(re.findall(r"powertrain_[a-z_]+", asked))
    given = ask(address, "/metrics").body.decode()
    families = set(re.findall(r"^# TYPE (\S+)", given, re.MULTILINE))
    known = families | {f"{name}{end}" for name in families for end in ("_bucket", "_sum", "_count")}
    assert len(names) >= 12 and names <= known, names - known


def test_what_prometheus_reads_has_each_family_once(address: str) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")
    from prometheus_client.parser import text_string_to_metric_families

    text = ask(address, "/metrics").body.decode()
    found = [family.name for family in text_string_to_metric_families(text)]
    assert len(found) == len(set(found)) and "powertrain_monitor_psi" in found
