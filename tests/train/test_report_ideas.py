"""The ideas that a report explains: those that its recipe names, and those that its numbers ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from powertrain.io.pages import pages
from powertrain.train.evaluate import diagnosis
from powertrain.train.report.ideas import _paragraph
from running import run

pytestmark = pytest.mark.skipif(not pages(), reason="powertrain is not installed from a wheel: it has no pages")

DATA = """
import numpy as np
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Data

class Noise(Data):
    @classmethod
    def build(cls, params, base):
        draw = np.random.Generator(np.random.Philox(key=1))
        x = draw.normal(size=(220, 40)).astype(np.float32)
        y = (np.arange(220) % 10 == 0).astype(np.int64)
        parts = {"train": ArrayDataset(x=x[:120], y=y[:120]), "test": ArrayDataset(x=x[120:], y=y[120:])}
        return DataModule("noise", "classification", parts, 2, ("often", "rare"))
"""
# Noise that is learned by heart.
RECIPE = """\
# Noise. See: powertrain help ideas/epochs-and-batches, ideas/nowhere, ideas/<b>
data      = "./data.py:Noise"
model     = { use = "mlp", hidden = [64] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "40 epochs", batch_size = 20 }
report    = { baseline = false }
"""


def trained(folder: Path) -> tuple[str, str]:
    """What a run prints, and its report."""
    (folder / "data.py").write_text(DATA)
    (folder / "a.toml").write_text(RECIPE)
    done = run(["train", "a.toml", "--run", "r"], folder)
    return done.stdout, (folder / "r" / "report.html").read_text(encoding="utf-8")


def test_a_report_links_the_ideas_that_its_numbers_ask_for(tmp_path: Path) -> None:
    printed, page = trained(tmp_path)
    assert "\nread   powertrain help ideas/overfitting\n" in printed
    links = re.findall(r'<a href="#([\w-]+)">', page)
    assert links == [
        "ideas-overfitting", "ideas-regularization", "ideas-early-stopping", "ideas-class-imbalance",
        "ideas-calibration",
    ]  # fmt: skip
    shown = re.findall(r'<details id="([\w-]+)"><summary>([^<:]+): <code>powertrain help ([\w/-]+)</code>', page)
    assert shown[0] == ("ideas-overfitting", "Overfitting", "ideas/overfitting")
    assert [anchor for anchor, _, _ in shown] == [*links, "ideas-epochs-and-batches"]
    assert all(name in pages() for _, _, name in shown)
    assert "learns its examples by heart, noise and wrong labels included" in page
    run(["report", "r", "--card"], tmp_path)
    assert "`powertrain help ideas/overfitting` explains it." in (tmp_path / "r" / "card.md").read_text()


def test_each_word_of_the_fit_that_is_explained_has_pages() -> None:
    for train, held_out in (({"accuracy": 1.0}, 0.8), ({"accuracy": 1.0}, 0.95), ({"accuracy": float("nan")}, 0.9)):
        fit = diagnosis.judge(train, {"accuracy": held_out}, "valid")
        assert fit.word in ("overfits", "slightly overfits", "broken")
        assert diagnosis.ideas_of_fit(fit.line())
    weak = diagnosis.judge({"accuracy": 0.5}, {"accuracy": 0.5}, "valid", "a linear model")
    assert all(name in pages() for name in diagnosis.ideas_of_fit(weak.line()))
    healthy = diagnosis.judge({"accuracy": 0.9}, {"accuracy": 0.9}, "valid")
    assert diagnosis.ideas_of_fit(healthy.line()) == ()


def test_the_words_of_a_page_become_markup() -> None:
    text = "See **this** & [that\npage](../data.md#metrics): `a < b`."
    assert _paragraph(text) == "<p>See <b>this</b> &amp; that page: <code>a &lt; b</code>.</p>"
    assert _paragraph("- one\n- **two**,\n  more") == "<ul><li>one</li><li><b>two</b>, more</li></ul>"
