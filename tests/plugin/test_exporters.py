"""Exporters are plugins: a stranger's is found, made with its settings, listed, checked, refused where it is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_check import examine
from test_discovery import distribution
from test_plugin_docs import PAGES, files

import powertrain as pt
from powertrain.plugin import Exporter, ExportError
from running import SMALL, run

PAGE = next(path for path in PAGES if path.stem == "exporter")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small run."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "small.toml").write_text(SMALL, encoding="utf-8")
    pt.fit(str(folder / "small.toml"), epochs=2, folder=folder / "small-1", verbose=False)
    return folder / "small-1"


# One with a setting: it writes the numbers of a model of dense layers, times a factor that should be 1.
STRANGER = (
    files(PAGE)["arrays.py"]
    + """

from dataclasses import dataclass

from powertrain.plugin import param


class Scaled(Arrays):
    @dataclass(frozen=True)
    class Params:
        by: float = param(1.0, above=0, doc="a factor of the answers")

    def load(self, trained, path):
        answers = super().load(trained, path)
        return lambda x: answers(x) * self.params.by
"""
)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    distribution(folder, "acme-out", "[powertrain.v1.exporter]\nscaled = acme_out:Scaled\n", STRANGER)
    return folder


def test_a_strangers_exporter_is_a_verb_away(installed: Path, trained: Path, tmp_path: Path) -> None:
    said = run(["export", str(trained), "--to", "scaled", "--out", "out"], tmp_path, [installed]).stdout.splitlines()
    assert said[0] == "exported out" and said[1].startswith("checked  359 examples of test: largest difference ")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["arrays.npz", "program.json"]
    listed = json.loads(run(["plugins", "show", "exporter:scaled", "--json"], tmp_path, [installed]).stdout)
    assert listed[0]["parameters"][0]["name"] == "by"
    checked = run(["plugins", "check", "acme-out"], tmp_path, [installed]).stdout
    assert checked.splitlines() == ["right  exporter acme-out/scaled"]


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("by=1.001", "[export scaled] what was written differs by "),
        ("by=0", "[export scaled] by: received 0; expected a number > 0"),
        ("bye=2", "[export scaled] bye: no such parameter of scaled; expected by; did you mean by?"),
    ],
)
def test_what_does_not_hold_leaves_nothing_behind(
    setting: str, text: str, installed: Path, trained: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    call = ["export", str(trained), "--to", "scaled", "--out", "out", "--set", setting]
    assert run(call, tmp_path, [installed], expect=2).stderr.startswith(text)
    assert sorted(tmp_path.iterdir()) == before


def test_an_exporter_that_nobody_offers_is_named(trained: Path) -> None:
    with pytest.raises(ExportError) as caught:
        pt.load(trained).export("torch-script")
    assert str(caught.value).startswith("[export] no such exporter torch-script; expected one of ")


class Nothing(Exporter):
    """Writes nothing."""

    def write(self, trained: Any, path: Path) -> None:
        pass

    def load(self, trained: Any, path: Path) -> Any:
        return trained.predict


class Broken(Nothing):
    """Fails half way."""

    def write(self, trained: Any, path: Path) -> None:
        path.write_text("half")
        raise KeyError("the other half")


class Silent(Nothing):
    """Gives NaN."""

    suffix = ".txt"

    def write(self, trained: Any, path: Path) -> None:
        path.write_text("all")

    def load(self, trained: Any, path: Path) -> Any:
        return lambda x: trained.predict(x) * np.nan


class Unloadable(Silent):
    """Cannot read what it wrote."""

    def load(self, trained: Any, path: Path) -> Any:
        raise FileNotFoundError("its runtime")


class Untried(Silent):
    """Cannot run here."""

    def load(self, trained: Any, path: Path) -> Any:
        return None

    def lacks(self, trained: Any) -> str:
        return "no such runtime"


@pytest.mark.parametrize(
    ("exporter", "text"),
    [
        (
            Nothing(),
            "[export Nothing] the exporter wrote no out; expected a file or a folder of that name; fix its write",
        ),
        (Broken(), "[export Broken] it could not be written: KeyError: 'the other half'; expected "),
        (Silent(), "[export Silent] what was written differs by "),
        (
            Unloadable(),
            "[export Unloadable] what was written cannot be loaded: FileNotFoundError: its runtime; expected what can "
            "be run here; it was removed; please report this to its author",
        ),
    ],
)
def test_a_wrong_exporter_leaves_nothing_behind(exporter: Exporter, text: str, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        pt.load(trained).export(exporter, tmp_path / "out")
    assert str(caught.value).startswith(text)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_run_here_is_said(trained: Path, tmp_path: Path) -> None:
    made = pt.load(trained).export(Untried(), tmp_path)
    assert (made.path, made.checked, made.examples, made.note) == (
        tmp_path / "small_1.txt", "not compared", 0, "no such runtime",
    )  # fmt: skip


def test_a_taken_place_is_left_alone(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ExportError) as caught:
        pt.load(trained).export(Untried(), tmp_path / "out")
    assert "exists already; expected a new path" in str(caught.value)
    assert (tmp_path / "out").read_text() == "mine"
    with pytest.raises(ExportError, match="there is no folder"):
        pt.load(trained).export(Untried(), tmp_path / "no" / "out")


WRONG = {
    "refuses": ("    def write(self, trained, path):\n        raise ExportError('[it] no; expected more; wait')\n", ""),
    "wrong-result": ("", "        return lambda x: np.asarray(trained.predict(x)) + 1\n"),
    "asks-the-engine": ("", "        return trained.predict\n"),
    "not-repeatable": ("        import time\n        path.write_text(str(time.time_ns()))\n", ""),
    "beside": ("        path.write_text('a')\n        (path.parent.parent / 'other').write_text('b')\n", ""),
    "raises": ("        raise KeyError('it')\n", ""),
}


@pytest.mark.parametrize("code", WRONG)
def test_the_check_names_the_fault(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, load = WRONG[code]
    text = files(PAGE)["arrays.py"] + "\nfrom powertrain.plugin import ExportError\n\n\nclass It(Arrays):\n    pass\n\n"
    if write:
        text += (write if "def write" in write else f"    def write(self, trained, path):\n{write}") + "\n"
        text += "    def load(self, trained, path):\n        return None\n"
    if load:
        text += f"    def load(self, trained, path):\n{load}"
    found = examine("exporter", f"exporter-{code}", text, tmp_path, monkeypatch, "It")
    assert code in [one.code for one in found], [one.line() for one in found]
