"""What the numbers of a finished run mean, in words: the uncertainty, the gap between training and validation, what
was expected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from powertrain.plugin.baseline import Baseline
    from powertrain.recipe.durations import Limit

# Gaps of the accuracy, and of the share of the variance that is explained, in their own units: below the first nobody
# worries, above the second the model learns by heart.
SMALL_GAP, LARGE_GAP = 0.03, 0.08
# The same for losses, relative to the training loss.
SMALL_RATIO, LARGE_RATIO = 0.10, 0.30
NEARLY_ALL = 0.99  # of the accuracy or r2: from here on there is nothing left to learn


@dataclass(frozen=True)
class Fit:
    """The gap between training and validation, and what to do about it."""

    word: str
    sentence: str
    advice: str

    def line(self) -> str:
        return f"{self.word}: {self.sentence}" + (f"; {self.advice}" if self.advice else "")


def interval(accuracy: float, examples: int) -> float:
    """Half of the 95 % interval of a share (Wilson's, which stays sensible near 0 and 1)."""
    if examples == 0:
        return math.nan
    z = 1.96
    spread = z * math.sqrt(accuracy * (1 - accuracy) / examples + z * z / (4 * examples * examples))
    return spread / (1 + z * z / examples)


@dataclass(frozen=True)
class Advice:
    """What to do where a model learned too little, by heart, or a little by heart."""

    weak: str
    overfits: str
    slightly: str
    rises: str  # where the loss on held-out examples was lower earlier
    broken: str  # where a loss is not finite


NETWORK = Advice(
    "train longer, raise the rate or widen the model",
    "use more data, weight decay or dropout, or stop earlier (run.stop)",
    "weight decay, dropout or run.stop may help",
    'its loss was lower earlier: add stop = { watch = "valid.loss" } to run',
    "look for a logarithm, a root or a division in the loss, or lower the rate; with anomalies = {} a run stops at the "
    "first such step",
)
# Of a model that another library fits: there is no rate, no step and no dropout to change.
FITTED = Advice(
    "its inputs may have no more to give; try other parameters of the model",
    "use more data, or parameters of the model that restrain it",
    "parameters of the model that restrain it may help",
    "parameters of the model that restrain it may help",
    "look for numbers in the data that are not finite, or of another size than the rest",
)


# Pages of the documentation that explain a word, the first one first.
_IDEAS = {
    "overfits": ("ideas/overfitting", "ideas/regularization", "ideas/early-stopping"),
    "slightly overfits": ("ideas/overfitting", "ideas/regularization"),
    "weak": ("ideas/bias-and-variance", "ideas/learning-rate"),
    "broken": ("ideas/learning-rate", "ideas/vanishing-gradients"),
}


def ideas_of_fit(line: str) -> tuple[str, ...]:
    """The pages that explain the line of a Fit, as `powertrain help` knows them."""
    return _IDEAS.get(line.partition(":")[0], ())


def judge(
    train: Mapping[str, float],
    held_out: Mapping[str, float],
    part: str,
    unbeaten: str | None = None,
    advice: Advice = NETWORK,
    *,
    examples: int = 0,
    rises: bool = False,
    trained: float = 0.0,
) -> Fit:
    """Compare a metric on training examples with the same on held-out ones, both measured after training; `unbeaten` is
    a simple predictor that does as well. A loss near 0 has no useful ratio, so what is better known goes first. A gap
    of the accuracy on so many held-out `examples` may be chance. `rises` says that the held-out loss was clearly lower
    earlier in the training, `trained` is the last loss of its steps."""
    losses = {"training": trained, "train": train.get("loss", 0.0), part: held_out.get("loss", 0.0)}
    for name, loss in losses.items():
        if not math.isfinite(loss):
            return Fit("broken", f"the {name} loss is not finite ({loss:g})", advice.broken)
    weak = False
    shares = [name for name in ("accuracy", "r2") if name in train and name in held_out]
    if shares and "perplexity" not in train:
        gap = train[shares[0]] - held_out[shares[0]]
        of = "" if shares[0] == "accuracy" else f" of {shares[0]}"
        size, sentence = (SMALL_GAP, LARGE_GAP), f"train-{part} gap{of} {100 * gap:.1f} points"
        if shares[0] == "r2" and min(train["r2"], held_out["r2"]) < 0:  # no share of anything any more
            below = " and ".join(name for name, values in (("train", train), (part, held_out)) if values["r2"] < 0)
            scores = f"r2 train {train['r2']:.3g}, {part} {held_out['r2']:.3g}"
            sentence = f"always the mean of the targets is better on {below} ({scores})"
            weak = held_out["r2"] < 0 and gap <= LARGE_GAP
    else:
        gap = (held_out["loss"] - train["loss"]) / max(abs(train["loss"]), 1e-12)
        size, sentence = (SMALL_RATIO, LARGE_RATIO), f"{part} loss {100 * gap:.0f} % above the training loss"
        if gap < 0:
            sentence = f"{part} loss {-100 * gap:.0f} % below the training loss"
    if not math.isfinite(gap):
        return Fit("broken", f"the {part} metrics are not finite", advice.broken)
    learn_more = advice.rises if rises else advice.weak
    if unbeaten is not None:
        if shares and held_out[shares[0]] >= NEARLY_ALL and gap <= size[0]:
            return Fit("healthy", f"{unbeaten} does as well; {sentence}", "the simpler model is enough")
        # With a large gap it is not too small: a wider model, or a longer training, would learn more by heart.
        return Fit("weak", f"no better than {unbeaten}; {sentence}", advice.overfits if gap > size[1] else learn_more)
    if weak:
        return Fit("weak", sentence, learn_more)
    if examples and "accuracy" in shares and size[0] < gap <= (doubt := interval(held_out["accuracy"], examples)):
        return Fit("unclear", f"{sentence} ± {100 * doubt:.0f} on {examples:,} examples", "hold out more to tell")
    if gap > size[1]:
        return Fit("overfits", sentence, advice.overfits)
    if gap > size[0]:
        return Fit("slightly overfits", sentence, advice.slightly)
    return Fit("healthy", sentence, advice.rises if rises else "")


def unbeaten(values: Mapping[str, float], simple: Sequence[Baseline]) -> str | None:
    """The simplest predictor that a model is no better than."""
    for one in simple:
        mine = values.get(one.metric)
        if mine is not None and (mine <= one.value if one.higher_is_better else mine >= one.value):
            return f"a {one.name} model ({one.how})" if one.name == "dummy" else f"a {one.name} model"
    return None


@dataclass(frozen=True)
class Expectation:
    """One line of [expect] with what came out; value is None where nothing of that name was measured."""

    name: str
    limit: str
    value: float | None
    met: bool

    def line(self) -> str:
        received = "was not measured" if self.value is None else f"is {self.value:.4g}"
        return f"{self.name} {received}; expected {self.limit}"


def hold(results: Mapping[str, Any], expect: Mapping[str, Limit]) -> list[Expectation]:
    """Hold results to what a recipe expects of them."""
    held = []
    for name, limit in expect.items():
        value: Any = results
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        number = float(value) if isinstance(value, (int, float)) else None
        held.append(Expectation(name, str(limit), number, number is not None and limit.met(number)))
    return held
