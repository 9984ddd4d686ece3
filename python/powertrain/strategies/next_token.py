"""Language modelling: predict each next token; now and then show what the model writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.plugins import Batch, Run, Step, param
from powertrain.strategies.supervised import Supervised


class NextToken(Supervised):
    """Minimizes the cross-entropy of the next token, over every position of every window."""

    task: ClassVar[str] = "language"

    @dataclass(frozen=True)
    class Params(Supervised.Params):
        sample: int = param(160, low=0, doc="tokens to write when the run shows a sample; 0 shows none")
        temperature: float = param(0.8, above=0, doc="below 1 the samples are more careful, above 1 wilder")
        samples_every: int = param(5, low=1, doc="evaluations between two samples; the last shows one too")

    params: Params

    def setup(self, run: Run) -> None:
        super().setup(run)
        run.after_evaluation(self.show_sample)

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses, batch.weight)
        t.log("loss", pt.sum(pt.mean(losses, axis=1) * batch.weight), pt.sum(batch.weight))

    def show_sample(self, run: Run, number: int) -> str | None:
        """What a person sees after some evaluations; drawn apart from the run's random numbers, so it changes none."""
        if self.params.sample == 0 or (number % self.params.samples_every and not run.done):
            return None
        vocabulary, context = run.dataset.vocabulary, run.dataset.context
        if vocabulary is None or context is None:
            return None
        tokens = write(
            run.predict, vocabulary.encode("\n"), context, self.params.sample, self.params.temperature, number
        )
        return str(vocabulary.decode(tokens))


def write(
    predict: Any, prompt: NDArray[np.int64], context: int, count: int, temperature: float, seed: int
) -> NDArray[np.int64]:
    """Continue a prompt by `count` tokens. The window has one fixed length, so that one program serves every token."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    tokens = list(prompt)
    for _ in range(count):
        window = np.zeros((1, context), dtype=np.int64)
        recent = tokens[-context:]
        window[0, : len(recent)] = recent
        # Causal attention: what stands after the last token cannot change what the model says at it.
        logits = np.asarray(predict(window))[0, len(recent) - 1].astype(np.float64) / temperature
        weights = np.exp(logits - logits.max())
        tokens.append(int(generator.choice(len(weights), p=weights / weights.sum())))
    return np.array(tokens[len(prompt) :], dtype=np.int64)
