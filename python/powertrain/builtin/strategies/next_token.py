"""Language modelling: predict each next token; now and then show what the model writes."""

from __future__ import annotations

from dataclasses import dataclass

import powertrain as pt
from powertrain.builtin.strategies.supervised import Supervised
from powertrain.plugin import LanguageStrategy, Run, param


class NextToken(LanguageStrategy, Supervised):
    """Minimizes the cross-entropy of the next token, over every position of every window."""

    @dataclass(frozen=True)
    class Params(Supervised.Params):
        sample: int = param(160, low=0, doc="tokens to write when the run shows a sample; 0 shows none")
        temperature: float = param(0.8, above=0, doc="below 1 the samples are more careful, above 1 wilder")
        samples_every: int = param(5, low=1, doc="evaluations between two samples; the last shows one too")

    params: Params

    def setup(self, run: Run) -> None:
        super().setup(run)
        run.after_evaluation(self.show_sample)

    def show_sample(self, run: Run, number: int) -> str | None:
        """What a person sees after some evaluations; drawn apart from the run's random numbers, so it changes none."""
        if self.params.sample == 0 or (number % self.params.samples_every and not run.done):
            return None
        vocabulary, context = run.dataset.vocabulary, run.dataset.context
        if vocabulary is None or context is None:
            return None
        return pt.nn.generate(
            self.model, "\n", self.params.sample, tokenizer=vocabulary, context=context,
            temperature=self.params.temperature, seed=number,
        )  # fmt: skip
