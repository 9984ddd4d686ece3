"""What a run of a language model shows of what it learned: texts that it writes, or hidden tokens that it fills in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from powertrain.builtin.strategies.masked import marked
from powertrain.data import Vocabulary
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.folder.ledger import read_history
from powertrain.train.session import train

RECIPE = """\
data      = { use = "text", path = "input.txt", context = 8, valid = 0.2 }
model     = { use = "lstm", width = 8, embedding = 8 }
strategy  = { use = "STRATEGY" }
optimizer = { use = "adam", lr = 1e-2 }
run       = { until = "8 steps", batch_size = 4, evaluate = { every = "2 steps" } }
report    = { baseline = false }
"""


def samples(folder: Path, strategy: str, *settings: str) -> list[int]:
    """The steps after which the run showed a text."""
    (folder / "input.txt").write_text("to be or not to be, that is the question. " * 20)
    (folder / "recipe.toml").write_text(RECIPE.replace("STRATEGY", strategy))
    train(load_recipe(str(folder / "recipe.toml"), settings), folder / "run", display=Display(quiet=True))
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert ("<h2>Samples</h2>" in page) == ("strategy.sample=0" not in settings)
    return [event["step"] for event in read_history(folder / "run") if event["event"] == "sample"]


@pytest.mark.parametrize(
    ("settings", "shown"),
    [((), [8]), (("strategy.samples_every=3",), [6, 8]), (("strategy.sample=0",), [])],
)
def test_a_run_shows_what_it_writes_at_its_end_however_few_its_evaluations(
    tmp_path: Path, settings: tuple[str, ...], shown: list[int]
) -> None:
    assert samples(tmp_path, "next_token", *settings) == shown


def test_a_run_shows_what_it_says_of_hidden_tokens(tmp_path: Path) -> None:
    assert samples(tmp_path, "masked", "report.baseline=true") == [8]
    made = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    (simple,) = made["baselines"]
    assert (simple["metric"], simple["how"]) == ("loss", "every token by its frequency alone")
    assert 2 < simple["value"] < 3 and "no better than a dummy model" in made["fit"]


def test_of_a_short_example_something_is_always_hidden(tmp_path: Path) -> None:
    """Else its loss would be 0, and the mean over examples below that of the tokens."""
    short = ["data.context=2", "strategy.hide=0.01", "report.baseline=true", "run.until=2 steps", "optimizer.lr=1e-9"]
    samples(tmp_path, "masked", *short)
    made = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    assert made["valid"]["loss"] > 0.95 * made["baselines"][0]["value"]


class Words:
    """Tokens without their spaces, as those of a wordpiece."""

    words = ("", "to", "be", "or", "not")

    def decode(self, tokens: np.ndarray) -> str:
        return " ".join(self.words[token] for token in tokens)


def test_hidden_tokens_stand_in_brackets() -> None:
    hidden = np.array([False, True, True, False])
    assert marked(Words(), np.array([1, 2, 3, 4]), hidden, np.array([3, 2, 1, 1])) == "to [be] [to; or] not"
    letters = Vocabulary.fit("abcd")
    hidden = np.array([True, False, False, True])
    # Tokens that hold their own spaces are put together as they are.
    assert marked(letters, letters.encode("abcd"), hidden, letters.encode("bbbd")) == "[b; a]bc[d]"
