"""Labels for each token of a row, measured as people read them: the whole row of labels as a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.metrics import WordErrorRate
from powertrain.plugin import Batch, Run, Section, Step, Strategy, param
from powertrain_text.labelling import NOTHING, UNLABELLED, usual_labels, words_of

EXAMPLES = str(Path(__file__).with_name("sounds.dict")).replace("\\", "/")
ROWS = 1000  # examples that are labelled at once
SHOWN = 12


class LabelSequences(Strategy):
    """Minimizes the loss of labels. At the end the labels of a row are read as a text, without those that say nothing.
    `error_rate` is how many words of it are to insert, delete or replace, for each one that is right. `whole` is the
    share of rows without an error. Another way to the same text counts as right."""

    task: ClassVar[str] = "labelling"
    scores: ClassVar[tuple[str, ...]] = ("error_rate", "whole")
    shards: ClassVar[bool] = True
    example_recipe: ClassVar[str] = f"""\
data      = {{ use = "pronunciations", path = "{EXAMPLES}", valid = 0.25 }}
model     = {{ use = "tagger", width = 8, layers = 1 }}
strategy  = "label-sequences"
optimizer = {{ use = "adamw", lr = 1e-3, weight_decay = 0.0 }}
run       = {{ until = "100 rounds", batch_size = 4 }}
"""

    @dataclass(frozen=True)
    class Params:
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    params: Params

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses, batch.weight)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def labels(self, run: Run, part: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The examples of a part, the predicted labels, and the right ones."""
        source: Any = run.dataset.splits[part]
        fields = source.fetch(np.arange(len(source)))
        x, y = np.asarray(fields["x"]), np.asarray(fields["y"])
        found = []
        for at in range(0, len(x), ROWS):
            rows = x[at : at + ROWS]
            scores = run.predict(np.resize(rows, (ROWS, *x.shape[1:])))[: len(rows)]
            found.append(scores.argmax(axis=-1))
        return x, np.concatenate(found), y

    def labelled(self, run: Run, part: str) -> tuple[NDArray[Any], list[str], list[str]]:
        """The examples of a part, and the predicted and the right labels as texts."""
        x, found, wanted = self.labels(run, part)
        return x, texts_of(found, run.dataset.class_names), texts_of(wanted, run.dataset.class_names)

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        _, found, wanted = self.labelled(run, part)
        return compared(found, wanted)

    def sections(self, run: Run) -> Sequence[Section]:
        part = run.dataset.judged_part
        x, found, wanted = self.labelled(run, part)
        show: Any = run.dataset.show or str
        examples = [show(row) for row in x]
        usual = texts_of(usual_labels(run.dataset)[words_of(x)], run.dataset.class_names)
        said = {"this model": found, "each token by its most frequent label": usual}
        rows = [(by, *(f"{value:.3f}" for value in compared(texts, wanted).values())) for by, texts in said.items()]
        wrong = [row for row in zip(examples, found, wanted, strict=True) if row[1] != row[2]][:SHOWN]
        return [
            Section(f"Labels of {len(x):,} rows of {part}", rows=(("by", *self.scores), *rows)),
            Section("Some that are wrong", rows=(("row", "it said", "it is"), *wrong)),
        ]


def texts_of(labels: NDArray[Any], names: Sequence[str]) -> list[str]:
    """Rows of labels as texts, without those that say nothing."""
    return [" ".join(names[label] for label in row if label not in (NOTHING, UNLABELLED)) for row in labels]


def compared(found: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    """The measures of some texts."""
    rate = WordErrorRate()
    rate.update(list(found), list(wanted))
    right = float(np.mean([one == text for one, text in zip(found, wanted, strict=True)]))
    return {"error_rate": float(rate.compute()), "whole": right}
