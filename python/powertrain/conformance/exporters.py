"""Checks of exporters: what they write answers as the engine does, lies in its place, and is the same twice."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, held_on, rng
from powertrain.plugin.exporter import Exporter, ExportError

# A run of a moment, whose model is dense layers: what every exporter has to know.
TABLES: dict[str, Any] = {
    "data": {"use": "digits", "split": {"test": 0.9}},
    "features": [{"use": "scale", "by": 0.0625}],
    "model": {"use": "mlp", "hidden": [8]},
    "optimizer": "adamw",
    "run": {"until": "2 steps", "batch_size": 16},
    "report": {"baseline": False},
}


def check_exporter(subject: Subject) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        pt.random.seed(5)
        run = pt.fit(TABLES, folder=Path(folder) / "run", verbose=False)
        exporter = subject.plugin.build(subject.params)
        weights = [slot.numpy().copy() for _, slot in run.model.named_slots()]
        held = held_on(exporter)
        found = _tried(subject, run, exporter, Path(folder) / "first")
        if isinstance(found, Finding):
            yield found
            return
        first, note = found
        if note:
            yield subject.finding(
                "not-here", f"it was not tried: {note}", "what it needs", "install it, and check again"
            )
        if any(
            not np.array_equal(slot.numpy(), was)
            for (_, slot), was in zip(run.model.named_slots(), weights, strict=True)
        ):
            yield subject.finding(
                "writes-input", "it changes the weights of the run", "to read them", "copy before writing"
            )
            return
        if held_on(exporter) != held:
            yield subject.finding(
                "state-on-self", "write or load changes the exporter", "one that keeps nothing", "keep it in the file"
            )
        with elsewhere(*subject.modules):
            again = _tried(subject, run, subject.plugin.build(subject.params), Path(folder) / "second")
        if isinstance(again, Finding):
            yield again
        elif again[0] != first:
            yield subject.finding(
                "not-repeatable",
                "the same run, exported again, gives other bytes",
                "the same bytes",
                "write no time and no path, and sort what has no order",
            )
        yield from _wrong_answers(subject, run, exporter, Path(folder))


def _tried(subject: Subject, run: Any, exporter: Exporter, folder: Path) -> Finding | tuple[str, str]:
    """One export into an empty folder: a hash of what lies there, and what was not tried; or what is wrong."""
    folder.mkdir()
    try:
        made = run.export(exporter, folder)
    except ExportError as error:
        if isinstance(error.__cause__, Exception):  # of its own code
            return subject.raised("export", error.__cause__)
        text = str(error).partition("] ")[2] or str(error)
        code = "wrong-result" if "differs by" in text or "what was written gives" in text else "refuses"
        received, _, rest = text.partition("; expected ")
        return subject.finding(code, received, rest.partition("; ")[0] or "a run of dense layers", "fix write and load")
    except Exception as error:
        return subject.raised("export", error)
    beside = sorted(path.name for path in folder.iterdir() if path != made.path)
    if beside:
        return subject.finding(
            "beside", f"it wrote {', '.join(beside)} too", "the path it was given", "write that alone"
        )
    digest = hashlib.sha256()
    for path in sorted([made.path, *made.path.rglob("*")]):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest(), made.note


def _wrong_answers(subject: Subject, run: Any, exporter: Exporter, folder: Path) -> Iterator[Finding]:
    """Other weights have to give another result: an exporter that answers with the engine would hide any fault."""
    from powertrain.train.export.trained import TrainedModel

    trained = TrainedModel(run.run)
    path = folder / "kept" / exporter.filename(trained)
    path.parent.mkdir()
    exporter.write(trained, path)
    runner = exporter.load(trained, path)
    if runner is None:
        return
    x = rng().normal(size=(4, 8, 8)).astype(np.float32)
    before = np.asarray(runner(x))
    for _, slot in run.model.named_slots():
        slot.value = slot.value * 0.5 + 0.25
    if not np.array_equal(np.asarray(runner(x)), before):
        yield subject.finding(
            "asks-the-engine",
            "what load gives answers otherwise when the run's weights change",
            "answers of what was written alone",
            "compute them from the file",
        )
