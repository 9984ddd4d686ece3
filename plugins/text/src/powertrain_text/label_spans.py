"""Labels of spans, such as names in a text, measured by the spans that are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError
from powertrain.plugin import Run, Section
from powertrain_text.label_sequences import SHOWN, LabelSequences
from powertrain_text.labelling import usual_labels, words_of
from powertrain_text.span_measures import found_spans
from powertrain_text.spans import kinds_of, spans_of

EXAMPLES = str(Path(__file__).with_name("tagged.conll")).replace("\\", "/")


class LabelSpans(LabelSequences):
    """Minimizes the loss of labels that mark spans, and measures at the end which spans are found. `precision` is the
    share of those found that are right, `recall` the share of the right ones that are found. `f1` is the harmonic mean
    of both."""

    scores: ClassVar[tuple[str, ...]] = ("precision", "recall", "f1")
    example_recipe: ClassVar[str] = f"""\
data      = {{ use = "tagged-words", path = "{EXAMPLES}", letters = 8, longest = 10, valid = 0.25 }}
model     = {{ use = "word-tagger", width = 8, letters = 8, letter_width = 4 }}
strategy  = "label-spans"
optimizer = {{ use = "adamw", lr = 1e-3, weight_decay = 0.0 }}
run       = {{ until = "100 rounds", batch_size = 4 }}
"""

    def setup(self, run: Run) -> None:
        if not kinds_of(run.dataset.class_names):
            raise DataError(
                "label-spans", f"the labels {', '.join(run.dataset.class_names[:5])} of {run.dataset.name}",
                "expected O, then B-KIND and I-KIND of each kind",
                "use data of spans, such as tagged-words, or the strategy label-sequences",
            )  # fmt: skip
        super().setup(run)

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        _, found, wanted = self.labels(run, part)
        every = found_spans(found, wanted, kinds_of(run.dataset.class_names))["all"]
        return {"precision": every.precision, "recall": every.recall, "f1": every.f1}

    def sections(self, run: Run) -> Sequence[Section]:
        part = run.dataset.judged_part
        kinds = kinds_of(run.dataset.class_names)
        x, found, wanted = self.labels(run, part)
        usual = usual_labels(run.dataset)[words_of(x)]
        rows: list[tuple[str, ...]] = [("by", "kind", "there", "precision", "recall", "f1")]
        for by, labels in (("this model", found), ("each word by its most frequent label", usual)):
            for kind, each in found_spans(labels, wanted, kinds).items():
                numbers = (f"{value:.3f}" for value in (each.precision, each.recall, each.f1))
                rows.append((by, kind, f"{each.there:,.0f}", *numbers))
        wrong = [
            (show_spans(run, x[at], found[at], kinds), show_spans(run, x[at], wanted[at], kinds))
            for at in np.flatnonzero(((found != wanted) & (wanted >= 0)).any(axis=1))[:SHOWN]
        ]
        return [
            Section(f"Spans of {len(x):,} rows of {part}", rows=tuple(rows)),
            Section("Some that are wrong", rows=(("it said", "it is"), *wrong)),
        ]


def show_spans(run: Run, row: NDArray[Any], labels: NDArray[Any], kinds: Sequence[str]) -> str:
    """The words of a row, with its spans in brackets: "[PER Ada Lovelace] was born in [LOC London] ."."""
    show: Any = run.dataset.show or str
    words = show(row).split(" ")
    for _, kind, first, end in spans_of(labels[None]).tolist():
        words[first] = f"[{kinds[kind]} {words[first]}"
        words[end - 1] += "]"
    return " ".join(words)
