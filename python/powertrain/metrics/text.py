"""Metrics of texts against references: translations, transcriptions."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.errors.methods import missing
from powertrain.metrics.metric import MetricError, weights
from powertrain.plugin.metric import Metric, State
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from powertrain.typing import Outputs, TensorLike


def _texts(prediction: Any, target: Any, weight: TensorLike | None, where: str) -> tuple[list[str], list[list[str]]]:
    """Predicted texts, and the references of each, without those of weight 0."""
    found = [prediction] if isinstance(prediction, str) else list(prediction)
    wanted = [target] if isinstance(target, str) else list(target)
    references = [[one] if isinstance(one, str) else list(one) for one in wanted]
    texts = [*found, *(text for one in references for text in one)]
    if len(found) != len(references) or not all(isinstance(text, str) for text in texts) or not all(references):
        raise MetricError(
            f"[{where}] {len(found)} predictions and references of {len(references)}; expected a text for each, and a "
            "text or a list of texts as its reference; write update([prediction], [[reference, another]])"
        )
    w = weights(weight, len(found), where)
    if not np.isin(w, (0, 1)).all():
        raise MetricError(
            f"[{where}] a weight of {w[~np.isin(w, (0, 1))][0]:g}; expected 1, or 0 for padding; leave weights out"
        )
    return [text for text, one in zip(found, w, strict=True) if one], [
        texts for texts, one in zip(references, w, strict=True) if one
    ]


def _sacrebleu(where: str) -> Any:
    try:
        import sacrebleu.metrics
    except ImportError:
        raise MetricError(
            f"[{where}] sacrebleu is not installed; expected it; pip install 'powertrain[text-metrics]'"
        ) from None
    return sacrebleu.metrics


def _columns(references: list[list[str]]) -> list[list[str | None]]:
    """References as sacrebleu takes them: the first of each text, then the second of each, None where there is none."""
    most = max(map(len, references))
    return [[one[at] if at < len(one) else None for one in references] for at in range(most)]


def _counts(state: Any, count: int, where: str) -> list[int]:
    """The counts of a state, checked, since sacrebleu takes others for granted."""
    counts = np.asarray(state, dtype=np.float64)
    if counts.shape != (count,):
        raise MetricError(
            f"[{where}] a state of shape {list(counts.shape)}; expected {count} counts; pass the state of a metric of "
            "the same parameters"
        )
    wrong = ~((counts >= 0) & (counts < 2**63))
    if wrong.any():
        raise MetricError(
            f"[{where}] a state with the count {counts[wrong][0]:g}; expected counts from 0 to below 2^63; pass the "
            "state of a metric unchanged"
        )
    return [int(one) for one in counts]


class BLEU(Metric):
    """BLEU of a corpus, from 0 to 100, by sacrebleu, whose counts of n-grams are the state.

    tokenize    how sacrebleu cuts texts into words: "13a", "intl", "zh", "char", "none", ...
    Source    Papineni et al. 2002; Post 2018

    >>> bleu = BLEU()
    >>> bleu.update(["the cat sat on the mat"], [["the cat sat on the mat"]])
    >>> round(bleu.compute(), 6)
    100.0
    """

    @dataclass(frozen=True)
    class Params:
        tokenize: str = param("13a", doc="how texts are cut into words: 13a, intl, zh, char, none, ...")
        lowercase: bool = param(False, doc="whether capitals count as small letters")

    def _scorer(self) -> Any:
        return _sacrebleu("bleu").BLEU(**dataclasses.asdict(self.params))

    def zero(self) -> State:
        return np.zeros(10)

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        found, references = _texts(prediction, target, weight, "bleu")
        if not found:
            return self.zero()
        made = self._scorer().corpus_score(found, _columns(references))
        return np.array([made.sys_len, made.ref_len, *made.counts, *made.totals], dtype=np.float64)

    def result(self, state: State) -> float:
        found = _counts(state, 10, "bleu")
        if not found[1] > 0:
            return float("nan")
        made = self._scorer().compute_bleu(found[2:6], found[6:], *found[:2], smooth_method="exp")
        return float(made.score)


class CHRF(Metric):
    """chrF of a corpus, from 0 to 100, by sacrebleu, whose counts of n-grams are the state; chrF++ with word_order=2.

    Source    Popović 2015
    Example
        >>> chrf = pt.metrics.CHRF()
        >>> chrf.update(["the cat sat"], ["the cat sat"])  # doctest: +SKIP
        >>> chrf.compute()  # doctest: +SKIP
        100.0
    """

    @dataclass(frozen=True)
    class Params:
        char_order: int = param(6, low=1, doc="characters of the longest n-gram")
        word_order: int = param(0, low=0, doc="words of the longest n-gram; 2 for chrF++")
        beta: int = param(2, low=1, doc="how much more recall counts than precision")
        lowercase: bool = param(False, doc="whether capitals count as small letters")

    def _scorer(self) -> Any:
        return _sacrebleu("chrf").CHRF(**dataclasses.asdict(self.params))

    def zero(self) -> State:
        return np.zeros(3 * (self.params.char_order + self.params.word_order))

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        found, references = _texts(prediction, target, weight, "chrf")
        if not found:
            return self.zero()
        # sacrebleu has no public way to its counts, without which parts of a corpus cannot be merged.
        counts = self._scorer()._extract_corpus_statistics(found, _columns(references))
        return np.sum(np.asarray(counts, dtype=np.float64), axis=0)

    def result(self, state: State) -> float:
        found = _counts(state, len(self.zero()), "chrf")
        return float(self._scorer()._compute_score_from_stats(found).score) if any(found) else float("nan")


class _ErrorRate(Metric):
    """State: [edits, length of the references]."""

    lower_is_better = True
    _where = "error rate"

    @abstractmethod
    def units(self, text: str) -> Sequence[str]:
        """What is counted of a text."""
        raise missing(self, "units")

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        found, references = _texts(prediction, target, weight, self._where)
        state = self.zero()
        for text, (reference, *others) in zip(found, references, strict=True):
            if others:
                raise MetricError(
                    f"[{self._where}] {1 + len(others)} references of one text; expected one; choose one of them"
                )
            wanted = self.units(reference)
            state += [edits(self.units(text), wanted), len(wanted)]
        return state


class WordErrorRate(_ErrorRate):
    """Words to insert, delete or replace, for each word of the references: above 1 where more is wrong than there is.

    >>> rate = WordErrorRate()
    >>> rate.update("the cat sat", "the cat sat down")
    >>> rate.compute()
    0.25
    """

    _where = "wer"

    def units(self, text: str) -> Sequence[str]:
        return text.split()


class CharErrorRate(_ErrorRate):
    """Characters to insert, delete or replace, for each character of the references.

    Example
        >>> metric = pt.metrics.CharErrorRate()
        >>> metric.update(['abd'], ['abcd'])
        >>> metric.compute()
        0.25
    """

    _where = "cer"

    def units(self, text: str) -> Sequence[str]:
        return text


def edits(found: Sequence[str], wanted: Sequence[str]) -> int:
    """The least number of insertions, deletions and replacements between two sequences.

    Source    Levenshtein 1966; a row at a time, whose insertions are a running minimum
    """
    numbers = {unit: at for at, unit in enumerate(dict.fromkeys([*found, *wanted]))}
    target = np.array([numbers[unit] for unit in wanted], dtype=np.int64)
    places = np.arange(len(wanted) + 1)
    row = places.copy()
    for at, unit in enumerate(found, 1):
        # Of a replacement or a match, and of a deletion; then insertions, each one more than the place before.
        best = np.concatenate([[at], np.minimum(row[:-1] + (target != numbers[unit]), row[1:] + 1)])
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])
