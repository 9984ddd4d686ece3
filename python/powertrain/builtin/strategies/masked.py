"""Masked modelling: some of an example is hidden, and the model says what stood there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Batch, Inputs, Run, Step, Strategy, as_floats, param


class Masked(Strategy):
    """Tokens (Devlin et al. 2019) or numbers (He et al. 2022): the loss is that of the hidden ones alone.

    Hidden tokens read as token 0, which stands for none of the text's own; hidden numbers as 0. A model of tokens must
    see both sides: a causal one knows only what comes before.
    """

    @dataclass(frozen=True)
    class Params:
        hide: float = param(0.15, above=0, below=1, doc="share of an example that is hidden, and one place at least")
        sample: bool = param(True, doc="for texts: show the predictions for one that the model never saw, at the end")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    def setup(self, run: Run) -> None:
        given = run.dataset.inputs()
        self.tokens = given.task == "language"
        size = 1
        for extent in given.shape:
            size *= extent
        # A model of numbers gives back as many as it reads.
        self.model = run.model(inputs=None if self.tokens else Inputs("regression", given.shape, size, given.dtype))
        self.opt = run.optim("model")
        self.data = run.data("train")
        if self.tokens and self.params.sample:
            run.after_evaluation(self.show_sample)

    def losses_of_all(self, t: Step, batch: Batch) -> tuple[Any, Any]:
        """The loss of every place, and 1 where it was hidden: [batch, places] each."""
        x = batch.x if self.tokens else as_floats(batch.x)
        places = (x.shape[0], -1)
        drawn = pt.reshape(t.rng.uniform(size=tuple(x.shape)), places)
        # Of a short example all might stay: its loss would be 0, and the mean over examples too low.
        hidden = pt.logical_or(drawn < self.params.hide, drawn <= pt.min(drawn, axis=1, keepdims=True))
        seen = pt.where(pt.reshape(hidden, tuple(x.shape)), 0 if self.tokens else 0.0, x)
        hidden = pt.astype(hidden, "float32")
        output = self.model(seen)
        if self.tokens:
            rows = pt.reshape(output, (-1, output.shape[-1]))
            each = F.cross_entropy(rows, pt.reshape(x, (-1,)), ignore_index=None, reduction="none")
            return pt.reshape(each, places), hidden
        return pt.square(pt.reshape(output, places) - pt.reshape(x, places)), hidden

    def losses(self, t: Step, batch: Batch) -> Any:
        """Per example, the mean over what was hidden of it."""
        each, hidden = self.losses_of_all(t, batch)
        return pt.sum(each * hidden, axis=1) / pt.sum(hidden, axis=1)

    def step(self, t: Step, batch: Batch) -> None:
        each, hidden = self.losses_of_all(t, batch)
        counted = hidden * pt.reshape(batch.weight, (-1, 1))
        total, count = pt.sum(each * counted), pt.sum(counted)
        # Hidden places are drawn, so a batch may have any number of them: the mean is over all of the batch's.
        t.minimize(self.opt, total / pt.maximum(count, 1.0), couples=True)
        t.log("loss", total, count)

    def simple(self, dataset: Any, part: str) -> list[Any]:
        """What a model must beat: for a hidden token how often each comes, for a hidden number its mean in training."""
        from powertrain.plugin.baseline import Baseline
        from powertrain.train.evaluate.baseline import by_frequency, rows_of

        if self.tokens:
            return [Baseline("dummy", "loss", by_frequency(dataset, part), "every token by its frequency alone")]
        train, held_out = (np.asarray(rows_of(dataset, name)[0], np.float64) for name in ("train", part))
        loss = float(np.square(held_out - train.mean(axis=0)).mean())
        return [Baseline("dummy", "loss", loss, "every number by its mean in training")]

    def show_sample(self, run: Run, number: int) -> str | None:
        """A held-out text with what the model says of its hidden tokens; drawn apart from the run's random numbers."""
        vocabulary, splits = run.dataset.vocabulary, run.dataset.splits
        if not run.done or vocabulary is None:
            return None
        part = splits.get("valid") or splits["train"]
        truth = np.asarray(part.fetch(np.array([len(part) // 2]))["x"])
        hidden = np.random.Generator(np.random.Philox(key=number)).random(truth.shape) < self.params.hide
        said = np.asarray(run.predict(np.where(hidden, 0, truth))).argmax(axis=-1)
        return marked(vocabulary, truth[0], hidden[0], said[0])


def marked(vocabulary: Any, truth: NDArray[Any], hidden: NDArray[Any], said: NDArray[Any]) -> str:
    """A text in which what was hidden stands in brackets: `[said]` where it was right, `[said; is]` where not."""
    cuts = np.split(np.arange(len(truth)), np.flatnonzero(hidden[1:] | hidden[:-1]) + 1)
    texts = [str(vocabulary.decode(truth[cut])) for cut in cuts]
    # Tokens of some vocabularies hold their spaces, those of others get them when they are put together.
    between = "" if "".join(texts) == str(vocabulary.decode(truth)) else " "
    for at, cut in enumerate(cuts):
        if hidden[cut[0]]:
            guess = str(vocabulary.decode(said[cut]))
            texts[at] = f"[{guess}]" if said[cut[0]] == truth[cut[0]] else f"[{guess}; {texts[at]}]"
    return between.join(texts)
