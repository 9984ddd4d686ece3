"""Runs that are logged elsewhere, by the real libraries, without a network."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import End, Event, Histogram, Section, Start
from powertrain_loggers.logger import Logger
from powertrain_loggers.tensorboard import TensorBoard


def trained(folder: Path, callback: str, until: str = "3 epochs", **how: Any) -> Any:
    """A small run with one of the callbacks."""
    noise = np.random.default_rng(0)
    data = folder.with_suffix(".npz")
    if not data.exists():
        np.savez(data, x=noise.standard_normal((64, 4)).astype("float32"), y=np.arange(64) % 2)
    recipe: dict[str, Any] = {
        "data": {"use": "arrays", "path": str(data), "split": {"valid": 0.25, "test": 0.25}},
        "model": {"use": "mlp", "hidden": [4]}, "optimizer": {"use": "adamw", "lr": 1e-3},
        "callbacks": [{"use": callback}], "report": {"baseline": False},
        "run": {"until": until, "batch_size": 8, "histograms": {"every": 5}},
    }  # fmt: skip
    return pt.fit(recipe, folder=folder, verbose=False, **how)


# ------------------------------------------------------------------ what all have in common


class Recorder(Logger):
    """Logs into a list, by a library that is there everywhere."""

    LIBRARY, INSTALLED_BY = "json", "python"

    def __init__(self, params: Any = None, fails: bool = False) -> None:
        super().__init__(params)
        self.seen: list[Any] = []
        self.fails = fails

    def begin(self, library: Any, start: Start) -> None:
        assert library is json
        self.seen.append("begin")

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        if self.fails:
            raise ConnectionError("no answer")
        self.seen.append((dict(values), step))

    def text(self, text: str, step: int) -> None:
        self.seen.append((text, step))

    def histograms(self, found: Mapping[str, Histogram], step: int) -> None:
        if self.fails:
            raise ConnectionError("no answer")
        self.seen.append((list(found), step))

    def table(self, title: str, rows: Sequence[Sequence[str]], step: int) -> None:
        self.seen.append((title, rows, step))

    def picture(self, title: str, png: bytes, step: int) -> None:
        self.seen.append((title, png[:4], step))

    def close(self, end: End) -> None:
        self.seen.append("close")


START = Start(Path("a"), "digits", {}, (), {"steps": 0})
WEIGHTS = Histogram(np.array([0.0, 1.0]), np.array([3]))
EVENTS = [
    Event({"steps": 2}, {"valid.loss": 0.5}, {"optimizer.lr": 0.1}, ("hello",), {1: {"weight 0": WEIGHTS}}),
    Event({"steps": 3}),
]
ROWS = (("class", "recall"), ("0", "0.5"), ("1 | 2", "1.0"))
SECTIONS = [
    Section("Scores", rows=ROWS),
    Section("Curve", draw=lambda figure: figure.add_subplot().plot([0, 1])),
    Section("Broken", draw=lambda figure: figure.nothing()),
]
END = End({"steps": 3}, True, results={"part": "test", "test": {"loss": 0.25}}, sections=SECTIONS)


def follow(logger: Logger) -> None:
    logger.on_start(START)
    for event in EVENTS:
        assert logger.after_commit(event) is None
    logger.on_end(END)


def test_all_that_a_run_gives_is_logged() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    logger = Recorder()
    follow(logger)
    values = {"valid.loss": 0.5, "optimizer.lr": 0.1}
    assert logger.seen == [
        "begin", (["weight 0"], 1), (values, 2), ("hello", 2), ({"test.loss": 0.25}, 3), ("Scores", ROWS, 3),
        ("Curve", b"\x89PNG", 3), "close",
    ]  # fmt: skip


def test_a_library_that_fails_later_is_said_once_and_left_out() -> None:
    logger = Recorder(fails=True)
    with pytest.warns(UserWarning) as warned:
        follow(logger)
    assert logger.seen == ["begin"]
    assert [str(one.message) for one in warned] == [
        "[callback Recorder] ConnectionError: no answer; expected the library to accept what is logged; the run "
        "continues without this logger"
    ]


MISSING = {
    "tensorboard": ("[callback TensorBoard] tensorboardX cannot", "pip install 'powertrain-loggers[tensorboard]'"),
    "mlflow": ("[callback MLflow] mlflow cannot", "pip install 'powertrain-loggers[mlflow]'"),
    "wandb": ("[callback WandB] wandb cannot", "pip install 'powertrain-loggers[wandb]'"),
    "trackio": ("[callback Trackio] trackio cannot", "pip install 'trackio'"),
}


@pytest.mark.parametrize(("callback", "words"), MISSING.items())
def test_a_library_that_is_missing_stops_the_run_with_the_way_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, callback: str, words: tuple[str, str]
) -> None:
    monkeypatch.setitem(sys.modules, words[0].split()[2], None)
    with pytest.raises(pt.Error) as raised:
        trained(tmp_path / "run", callback)
    for word in words:
        assert word in str(raised.value)


def test_a_library_that_refuses_to_begin_stops_the_run_before_it_costs(tmp_path: Path) -> None:
    class Refused(Recorder):
        def begin(self, library: Any, start: Start) -> None:
            raise RuntimeError("No API key configured")

    with pytest.raises(
        pt.Error, match=r"^\[callback Refused\] json cannot begin: RuntimeError: No API key configured; exp"
    ):
        follow(Refused(None))


# ------------------------------------------------------------------ TensorBoard


def records(folder: Path) -> Iterator[Any]:
    """The events of all files, oldest file first: length, check sum, event, check sum."""
    from tensorboardX.proto.event_pb2 import Event as Logged

    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns):
        raw = path.read_bytes()
        while raw:
            (length,) = struct.unpack("<Q", raw[:8])
            yield Logged.FromString(raw[12 : 12 + length])
            raw = raw[16 + length :]


def test_tensorboard_has_every_evaluation_and_shows_repeated_steps_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="powertrain-loggers[tensorboard] is not installed")
    run = trained(tmp_path / "run", "tensorboard")
    folder = tmp_path / "run/tensorboard"
    scalars = {
        (value.tag, event.step): value.simple_value for event in records(folder) for value in event.summary.value
    }
    assert len(run.history) == 3
    for row in run.history:
        assert scalars["valid/loss", row["step"]] == pytest.approx(row["valid.loss"])
        assert ("optimizer/lr", row["step"]) in scalars
    assert any(tag == "test/accuracy" for tag, _ in scalars)
    drawn = {
        (value.tag, event.step): value.histo
        for event in records(folder) for value in event.summary.value if value.HasField("histo")
    }  # fmt: skip
    assert {step for _, step in drawn} == set(run.histograms) == {5, 10}
    for name, one in run.histograms[5].items():
        logged = drawn[name.replace(" ", "/", 1), 5]
        assert list(logged.bucket) == one.counts.tolist() and list(logged.bucket_limit) == one.edges[1:].tolist()
    last = run.history[-1]["step"]
    trained(tmp_path / "run", "tensorboard", "5 epochs", resume=True)
    starts = [event for event in records(folder) if event.session_log.status]
    assert [event.step for event in starts] == [last + 1]


def test_tensorboard_has_the_tables_and_pictures_of_the_report(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="powertrain-loggers[tensorboard] is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    logger = TensorBoard(None)
    logger.on_start(Start(tmp_path, "digits", {}, (), {"steps": 0}))
    logger.on_end(END)
    found = [value for event in records(tmp_path / "tensorboard") for value in event.summary.value]
    (image,) = [value for value in found if value.HasField("image")]
    assert image.tag == "Curve" and image.image.encoded_image_string[:4] == b"\x89PNG"
    assert image.image.width > image.image.height > 100
    (table,) = [value for value in found if value.HasField("tensor")]
    assert table.tensor.string_val[0].decode() == ("| class | recall |\n| --- | --- |\n| 0 | 0.5 |\n| 1 \\| 2 | 1.0 |")


# ------------------------------------------------------------------ MLflow


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries beneath MLflow
def test_mlflow_has_settings_values_and_the_report_of_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path)  # where MLflow keeps the files of a run
    mlflow = pytest.importorskip("mlflow", reason="powertrain-loggers[mlflow] is not installed")
    run = trained(tmp_path / "run", "mlflow")
    trained(tmp_path / "run", "mlflow", "5 epochs", resume=True)
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("powertrain")
    (logged,) = client.search_runs([experiment.experiment_id])
    assert logged.data.params["optimizer.lr"] == "0.001" and logged.data.params["run.until"] == "3 epochs"
    history = {one.step: one.value for one in client.get_metric_history(logged.info.run_id, "valid.loss")}
    for row in run.history:
        assert history[row["step"]] == pytest.approx(row["valid.loss"])
    assert "test.accuracy" in logged.data.metrics and logged.info.status == "FINISHED"
    artifacts = [one.path for one in client.list_artifacts(logged.info.run_id)]
    assert {"classes.json", "report.html"} <= set(artifacts)
    table = json.loads(Path(client.download_artifacts(logged.info.run_id, "classes.json", str(tmp_path))).read_text())
    assert len(table["data"]) == 2 and all(len(row) == len(table["columns"]) for row in table["data"])


# ------------------------------------------------------------------ Weights & Biases


def test_wandb_keeps_settings_and_values_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    pytest.importorskip("wandb", reason="powertrain-loggers[wandb] is not installed")
    trained(tmp_path / "run", "wandb")
    trained(tmp_path / "run", "wandb", "5 epochs", resume=True)
    first, second = (tmp_path / "run/wandb").glob("offline-run-*/*.wandb")
    assert first.name == second.name  # the same run goes on
    raw = first.read_bytes() + second.read_bytes()
    for name in (b"valid.loss", b"optimizer.lr", b"test.accuracy", b"run.until", b"gradient layers.0", b"Classes"):
        assert name in raw
    shutil.rmtree(tmp_path / "run")
    trained(tmp_path / "run", "wandb")
    (other,) = (tmp_path / "run/wandb").glob("offline-run-*/*.wandb")
    assert other.name != first.name  # another run in a folder of that name is not mixed into it


# ------------------------------------------------------------------ Trackio


def test_trackio_has_every_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    pytest.importorskip("trackio", reason="trackio is not installed")
    trained(tmp_path / "run", "trackio")
    trained(tmp_path / "run", "trackio", "5 epochs", resume=True)
    assert capfd.readouterr().out == ""  # Trackio's own words would stand in the output of --json
    (database,) = (tmp_path / "trackio").glob("*.db")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        logged = connection.execute("select run_name, step, metrics from metrics").fetchall()
    found = [(step, json.loads(values)) for _, step, values in logged]
    rows = pt.load(tmp_path / "run").history
    assert {name for name, _, _ in logged} == {"run"} and len(rows) == 5
    losses = {step: values["valid.loss"] for step, values in found if "valid.loss" in values}
    assert losses == {row["step"]: pytest.approx(row["valid.loss"]) for row in rows}
    shutil.rmtree(tmp_path / "run")
    trained(tmp_path / "run", "trackio")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("select count(distinct run_id) from metrics").fetchone() == (2,)  # not mixed
