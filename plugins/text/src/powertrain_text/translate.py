"""Translation: a model reads a text and writes another, token by token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import spaced_examples
from powertrain.plugin import Batch, Run, Section, Step, Strategy, param
from powertrain_text.beam_search import beam_search
from powertrain_text.encoder_decoder import demand_writer
from powertrain_text.tokenizer import BEGIN, PADDING
from powertrain_text.translation_measures import compared, nearest

EXAMPLES = str(Path(__file__).with_name("pairs.csv")).replace("\\", "/")
ROWS, SHOWN = 50, 3  # texts that are translated at once, and shown after an evaluation


class Translate(Strategy):
    """Minimizes the cross-entropy of each token of a translation behind the right ones before it (teacher forcing). At
    the end held-out texts are translated by beam search, and compared with their translations: chrF (Popović 2015) and
    BLEU (Papineni et al. 2002), from 0 to 100."""

    task: ClassVar[str] = "translation"
    scores: ClassVar[tuple[str, ...]] = ("chrf", "bleu")
    example_recipe: ClassVar[str] = f"""\
data      = {{ use = "text-pairs", path = "{EXAMPLES}", size = 300, context = 16, valid = 0.25 }}
model     = {{ use = "encoder-decoder", layers = 1, heads = 2, width = 8 }}
strategy  = {{ use = "translate", beams = 2 }}
optimizer = {{ use = "adamw", lr = 1e-3, weight_decay = 0.0 }}
run       = {{ until = "100 rounds", batch_size = 4 }}
"""

    @dataclass(frozen=True)
    class Params:
        smoothing: float = param(0.1, low=0, below=1, doc="share of a target that is spread over all tokens")
        beams: int = param(4, low=1, high=64, doc="beginnings that a search keeps; 1 is greedy search")
        judged: int = param(400, low=1, doc="held-out texts that are translated at the end, evenly spaced")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    params: Params

    def setup(self, run: Run) -> None:
        # Where sacrebleu is missing, say so now and not after training.
        for metric in (pt.metrics.CHRF(), pt.metrics.BLEU()):
            metric.update(["a"], ["a"])
        self.model: Any = run.model()
        demand_writer(self.model)
        self.opt = run.optim("model")
        self.data = run.data("train")
        self.vocabulary: Any = run.dataset.vocabulary
        run.after_evaluation(self.show)

    def nats(self, batch: Batch, smoothing: float) -> tuple[Any, Any, Any]:
        """Of each example the sum over its tokens: smoothed, and as they are; and how many they are."""
        rows = batch.y.shape[0]
        before = pt.concat([pt.full((rows, 1), BEGIN, dtype="int64"), batch.y[:, :-1]], axis=1)
        scores = self.model(batch.x, before)
        real = pt.astype(pt.not_equal(batch.y, PADDING), "float32")

        def summed(share: float) -> Any:
            each = F.cross_entropy(scores, batch.y, ignore_index=None, reduction="none", label_smoothing=share)
            return pt.sum(each * real, axis=1)

        plain = summed(0.0)
        return summed(smoothing) if smoothing else plain, plain, pt.maximum(pt.sum(real, axis=1), 1.0)

    def step(self, t: Step, batch: Batch) -> None:
        smoothed, plain, count = self.nats(batch, self.params.smoothing)
        t.minimize(self.opt, smoothed / count, batch.weight * count)  # the mean over all tokens of the batch
        t.log("loss", pt.sum(plain * batch.weight), pt.sum(count * batch.weight))

    def losses(self, t: Step, batch: Batch) -> Any:
        _, plain, count = self.nats(batch, 0.0)
        return plain / count

    def predict(self, t: Step, batch: Batch) -> Any:
        """The tokens of a translation, [batch, places], as `text-pairs` has targets."""
        return self.searched(batch.x, self.params.beams)

    def greedy(self, t: Step, batch: Batch) -> Any:
        return self.searched(batch.x, 1)

    def searched(self, source: Any, beams: int) -> Any:
        rows, places = source.shape
        seen, kept = self.model.begin(source, beams, places)

        def after(kept: Any, token: Any, at: Any) -> Any:
            scores, kept = self.model.write(seen, kept, token, at)
            return pt.log_softmax(scores, axis=-1), kept

        return beam_search(after, kept, rows, places, beams)

    def answer(self, output: Any) -> Any:
        return {"text": self.vocabulary.decode(output).strip()}

    def translated(self, run: Run, function: Any, x: NDArray[Any]) -> list[str]:
        """What a traced search writes for texts, a few at once."""
        found: list[str] = []
        for at in range(0, len(x), ROWS):
            rows = x[at : at + ROWS]
            tokens = run.compute(function, x=np.resize(rows, (ROWS, x.shape[1])))[: len(rows)]
            found += self.texts(tokens)
        return found

    def texts(self, rows: NDArray[Any]) -> list[str]:
        return [self.vocabulary.decode(row).strip() for row in rows]

    def judged(self, run: Run, part: str, count: int) -> tuple[NDArray[Any], list[str]]:
        """Texts of a part as rows of tokens, evenly spaced, and their translations."""
        fields = spaced_examples(run.dataset.splits[part], count)
        return np.asarray(fields["x"]), self.texts(np.asarray(fields["y"]))

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        x, wanted = self.judged(run, part, self.params.judged)
        return compared(self.translated(run, self.predict, x), wanted)

    def show(self, run: Run, number: int) -> str | None:
        """What a person sees after an evaluation."""
        part = next(name for name in ("valid", "test", "train") if name in run.dataset.splits)
        x, wanted = self.judged(run, part, SHOWN)
        said = zip(self.texts(x), self.translated(run, self.greedy, x), wanted, strict=True)
        return "\n\n".join(f"{text}\n  written: {found}\n  by people: {right}" for text, found, right in said)

    def sections(self, run: Run) -> Sequence[Section]:
        part = run.dataset.judged_part
        x, wanted = self.judged(run, part, self.params.judged)
        train = run.dataset.train.fetch(np.arange(len(run.dataset.train)))
        near = nearest(np.asarray(train["x"]), x, run.dataset.outputs)
        said = {
            f"this model, {self.params.beams} beams": self.translated(run, self.predict, x),
            "this model, greedily": self.translated(run, self.greedy, x),
            "the translation of the nearest training text": self.texts(np.asarray(train["y"])[near]),
        }
        rows = [(by, *(f"{value:.1f}" for value in compared(texts, wanted).values())) for by, texts in said.items()]
        table = Section(f"Translations of {len(x):,} texts of {part}", rows=(("by", *self.scores), *rows))
        columns = [self.texts(x), *(list(said.values())[at] for at in (0, 2)), wanted]
        head = ("text", "this model", "the nearest", "by people")
        return [table, Section("Some of them", rows=(head, *zip(*(column[:8] for column in columns), strict=True)))]
