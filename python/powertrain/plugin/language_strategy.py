"""What strategies of language models share: learning the next token, and writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.errors.boundary import export
from powertrain.plugin.learning import Strategy

if TYPE_CHECKING:
    from powertrain.plugin.run import Batch, Run, Step


class LanguageStrategy(Strategy, declares=True):
    """Minimize the cross-entropy of the next token, over every position of every window. `continued` writes.

    Example
        >>> class Lines(pt.plugin.LanguageStrategy):
        ...     def sample(self, run, count, seed):
        ...         return self.continued(run, "\\n", count, 80, end="\\n", temperature=0.8, seed=seed)
        >>> Lines.task
        'language'
    """

    task: ClassVar[str] = "language"

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses, batch.weight)
        t.log("loss", pt.sum(pt.mean(losses, axis=1) * batch.weight), pt.sum(batch.weight))

    def continued(
        self, run: Run, begin: str, count: int, most: int, *, end: str, temperature: float, seed: int
    ) -> NDArray[np.int64]:
        """Draw what follows the text `begin`, `count` times: rows of `most` tokens, without `begin`. A row that reaches
        `end` sooner is filled up with the first token of it."""
        words: Any = run.dataset.vocabulary
        prompt, stop = words.encode(begin), words.encode(end)
        written = pt.nn.generate(
            self.model, [prompt] * count, most, context=run.dataset.context, temperature=temperature, seed=seed,
            stop=[stop.tolist()],
        )  # fmt: skip
        rows = np.full((count, most), stop[0])
        for row, tokens in zip(rows, written, strict=True):
            row[: len(tokens)] = tokens
        return rows


__all__ = ["LanguageStrategy"]

export(globals())
