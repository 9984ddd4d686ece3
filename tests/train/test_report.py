"""What the report says of a classifier's calibration, and what models and strategies add to it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Section
from powertrain.train.evaluate import calibration
from powertrain.train.report.elements import section_html, table_of
from powertrain.train.report.markup import html as html_of
from running import run

pytestmark = pytest.mark.pictures
MODEL = """
import numpy as np
from powertrain.plugin import Section
from powertrain.builtin.models import NearestMean, LinearModel

class Telling(NearestMean):
    def sections_of(self, state, dataset):
        named = ", ".join(dataset.names())
        said = f"{len(state)} of {named}"
        return [Section("Means", (said,), draw=lambda figure: figure.add_subplot().plot(state[0]))]

class Careless(NearestMean):
    probabilities = False

    def sections_of(self, state, dataset):
        return [Section("Wrong picture", ("but these words",), draw=lambda figure: figure.no_such_thing())]

class Raising(LinearModel):
    def sections(self, dataset):
        raise KeyError("no such column")
"""
DATA = """
import numpy as np
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Data

class Named(Data):
    @classmethod
    def build(cls, params, base):
        x = np.random.Generator(np.random.Philox(key=1)).normal(size=(300, 3)).astype(np.float32)
        y = (x[:, 0] - 2 * x[:, 1] + x[:, 2] ** 2 > 0).astype(np.int64)
        parts = {"train": ArrayDataset(x=x[:200], y=y[:200]), "test": ArrayDataset(x=x[200:], y=y[200:])}
        return DataModule("named", "classification", parts, 2, ("$x_$", "a<b"), columns=("first", "$_of_$", "third"))
"""
FITTED = """\
data   = "./data.py:Named"
model  = "./model.py:{}"
run    = {{ until = "1 round" }}
report = {{ baseline = false }}
"""
TRAINED = """\
data      = "./data.py:Named"
model     = {model}
{more}
optimizer = {{ use = "adamw", lr = 3e-2 }}
run       = {{ until = "20 epochs", batch_size = 50 }}
report    = {{ baseline = false }}
"""


def page(folder: Path, recipe: str) -> str:
    """The report of a recipe as text, its pictures by their names."""
    (folder / "model.py").write_text(MODEL)
    (folder / "data.py").write_text(DATA)
    (folder / "a.toml").write_text(recipe)
    run(["train", "a.toml", "--run", "r"], folder)
    text = (folder / "r" / "report.html").read_text(encoding="utf-8")
    return html.unescape(re.sub(r'src="[^"]*"', "", text))


def trained(folder: Path, model: str, more: str = "") -> str:
    return page(folder, TRAINED.format(model=model, more=more))


def test_curves_of_all_thresholds_are_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    draw = np.random.Generator(np.random.Philox(key=3))
    positive = draw.random(500) < 0.3
    scores = np.round(draw.normal(size=500) + positive, 1)  # with ties
    made = calibration.thresholds(scores, positive)
    assert made is not None
    assert made.area == pytest.approx(metrics.roc_auc_score(positive, scores), abs=1e-12)
    assert made.average_precision == pytest.approx(metrics.average_precision_score(positive, scores), abs=1e-12)
    false, recall, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    assert np.allclose(made.false, false[1:]) and np.allclose(made.recall, recall[1:])
    said = scores > 0
    assert made.recall[made.usual] == pytest.approx(metrics.recall_score(positive, said))
    assert made.precision[made.usual] == pytest.approx(metrics.precision_score(positive, said))
    assert calibration.thresholds(scores, np.ones(500, bool)) is None


def test_probabilities_are_held_to_what_came_of_them() -> None:
    said = np.array([0.05, 0.05, 0.05, 0.05, 0.95, 0.95, 1.0])
    right = np.array([0, 0, 0, 1, 1, 1, 0], bool)
    made = calibration.reliability(said, right)
    assert made.counts.tolist() == [4, 3] and made.right.tolist() == pytest.approx([0.25, 2 / 3])
    assert made.said.tolist() == pytest.approx([0.05, 2.9 / 3])
    assert made.error == pytest.approx((4 * 0.2 + 3 * 0.3) / 7)
    below, above = made.intervals()
    # Wilson's interval of 1 in 4: from 0.0456 to 0.6994.
    assert made.right[0] - below[0] == pytest.approx(0.0456, abs=1e-4)
    assert made.right[0] + above[0] == pytest.approx(0.6994, abs=1e-4)
    assert made.known().counts.tolist() == [4]
    rows = calibration.probabilities([[1000.0, 0.0], [0.0, np.log(3)]])
    assert rows.tolist() == [[1, 0], pytest.approx([0.25, 0.75])]


def test_probabilities_lean_to_one_side_only_beyond_chance() -> None:
    right = np.arange(1000) % 10 < 7
    assert calibration.reliability(np.full(1000, 0.8), right).leaning == 1
    assert calibration.reliability(np.full(1000, 0.6), right).leaning == -1
    assert calibration.reliability(np.full(1000, 0.72), right).leaning == 0  # two standard errors are 0.029
    both = np.concatenate([np.full(500, 0.5), np.full(500, 0.9)])  # 0.2 too low and 0.2 too high
    assert calibration.reliability(both, right).leaning == 0


def test_of_two_classes_the_report_shows_thresholds_and_of_named_columns_what_counts(tmp_path: Path) -> None:
    text = trained(tmp_path, '"linear"')
    assert "<h2>How sure it is</h2><p>Of two examples, one of them a<b, it puts that one higher" in text
    assert "expected calibration error" in text
    for picture in ("ROC of a<b", "Precision and recall of a<b", "Are its probabilities right?"):
        assert f'<img alt="{picture}"' in text
    assert "<h2>Which columns count</h2>" in text and '<img alt="Which columns count"' in text


def test_columns_that_a_transform_changed_are_not_named(tmp_path: Path) -> None:
    assert "<h2>Which columns count" not in trained(tmp_path, '"linear"', 'features = ["standardize"]')


def test_a_loss_that_means_no_probabilities_is_not_held_to_any(tmp_path: Path) -> None:
    (tmp_path / "loss.py").write_text(
        "import powertrain as pt\ndef own(output, target):\n"
        "    return pt.nn.functional.cross_entropy(output * 2.0, target, reduction='none')\n"
    )
    text = trained(tmp_path, '"linear"', 'loss = "./loss.py:own"')
    assert "area under the ROC curve" in text and "calibration" not in text


def test_a_model_on_the_host_speaks_of_what_it_learned(tmp_path: Path) -> None:
    text = page(tmp_path, FITTED.format("Telling"))
    assert '<h2>Means</h2><p>2 of first, $_of_$, third</p><img alt="Means"' in text and "calibration" in text
    # And again from what the checkpoint holds.
    run(["report", "r"], tmp_path)
    assert "2 of first, $_of_$, third" in (tmp_path / "r" / "report.html").read_text()


def test_nobodys_mistake_costs_the_report(tmp_path: Path) -> None:
    text = page(tmp_path, FITTED.format("Careless"))
    assert "<h2>Wrong picture</h2><p>but these words</p><p" in text and "calibration" not in text
    assert "The picture is left out: drawing it raised AttributeError: 'Figure' object has no attribute 'no_s" in text
    (tmp_path / "b").mkdir()
    text = trained(tmp_path / "b", '"./model.py:Raising"')
    assert "<h2>What the model says</h2><p>Left out: Raising.sections raised KeyError: 'no such column'; exp" in text


def test_sounds_of_a_section_stand_in_the_page() -> None:
    made = section_html(Section("Heard", sounds={"<one>": b"RIFF", "two": b"RIFF"}))
    assert made.count('<audio controls src="data:audio/wav;base64,UklGRg=="></audio>') == 2
    assert "<figcaption>&lt;one&gt;</figcaption>" in made
    assert "<audio" not in section_html(Section("Silent"))


def test_long_cells_of_a_table_are_broken_into_lines() -> None:
    caption = "The sign for the letter C in American Sign Language."
    made = section_html(Section("Near", rows=(("its caption", "nearest"), ("An inn.", caption))))
    assert f"<td>An inn.</td><td class=long>{caption}</td>" in made
    linked = table_of((("run",), (html_of('<a href="{}">digits</a>', "digits-1/report.html"),)))
    assert "<td><a " in linked


STRATEGY = """
from powertrain.builtin.strategies.contrastive import Contrastive

class Scoring(Contrastive):
    scores = ("found",)

    def score(self, run, part):
        return {"found": 0.625}
"""


def test_a_report_that_is_written_again_says_what_the_strategy_measured(tmp_path: Path) -> None:
    (tmp_path / "strategy.py").write_text(STRATEGY)
    first = trained(tmp_path, '"mlp"', 'strategy = "./strategy.py:Scoring"')
    assert "<b>test found 0.625</b>" in first
    run(["report", "r"], tmp_path)
    assert "<b>test found 0.625</b>" in (tmp_path / "r" / "report.html").read_text()
    run(["report", "r", "--card"], tmp_path)
    assert "test found 0.625, on 100 examples" in (tmp_path / "r" / "card.md").read_text()


def test_a_report_says_that_the_test_part_was_trained_on(tmp_path: Path) -> None:
    x, y = np.eye(60, 8, dtype=np.float32) + np.arange(60)[:, None], np.arange(60) % 3
    for name, test, share in (("same", x, 1.0), ("other", x + 0.5, None)):
        parts = {part: pt.data.ArrayDataset(x=one, y=y) for part, one in (("train", x), ("test", test))}
        data = pt.data.DataModule("rows", "classification", parts, 3)
        run = pt.fit(model=pt.nn.Linear(8, 3), data=data, epochs=1, folder=tmp_path / name, verbose=False)
        assert run.results.get("in_train") == share
        page = (tmp_path / name / "report.html").read_text()
        assert ("100% of the examples of test are examples of train too" in page) == (share is not None)
