"""Generative adversarial networks (Goodfellow et al. 2014): one network draws, another tells its drawings from data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Baseline, Batch, Inputs, Run, Section, Step, Strategy, as_rows, features, param
from powertrain_generative.judge import SCORES, drawn_section, quality
from powertrain_generative.pixels import demand_unit, some_rows

DRAWN = 256  # samples that a held-out example is compared with
JUDGED = 1000  # held-out examples that simple predictors are compared on


class Gan(Strategy):
    """The models are `generator`, which makes an example of `code` random numbers, and `critic`, which gives a number.
    With `loss = "wasserstein"` the critic measures how far samples are from data (Arjovsky et al. 2017), held smooth by
    a penalty on its gradient (Gulrajani et al. 2017); with "logistic" it says how probably an example is real."""

    @dataclass(frozen=True)
    class Params:
        code: int = param(32, low=1, doc="random numbers that a sample is made of")
        loss: Literal["logistic", "wasserstein"] = param("wasserstein", doc="what the critic learns")
        critic_steps: int = param(3, low=1, doc="steps of the critic for one of the generator")
        penalty: float = param(10.0, low=0, doc="weight of the critic's gradient: its distance from 1, or its size")
        judged: int = param(1000, low=0, doc="samples of which the quality is measured at the end; 0 for none")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    scores: ClassVar[tuple[str, ...]] = SCORES

    def setup(self, run: Run) -> None:
        demand_unit("gan", run)
        given, code = run.dataset.inputs(), self.params.code
        self.shape = given.shape
        self.generator = run.model("generator", inputs=Inputs("regression", (code,), features(given)))
        self.critic = run.model("critic", inputs=Inputs("regression", given.shape, 1))
        self.generator_opt, self.critic_opt = run.optim("generator"), run.optim("critic")
        self.data = run.data("train")

    def drawn(self, t: Step, count: int) -> Any:
        code = t.rng.normal(size=(count, self.params.code))
        return pt.reshape(pt.sigmoid(self.generator(code)), (count, *self.shape))

    def said(self, x: Any) -> Any:
        return pt.reshape(self.critic(x), (x.shape[0],))

    def critic_step(self, t: Step, batch: Batch) -> None:
        real = pt.reshape(as_rows(batch.x), (batch.x.shape[0], *self.shape))
        count, over = real.shape[0], (-1, *[1] * len(self.shape))
        made = pt.stop_gradient(self.drawn(t, count))
        if self.params.loss == "wasserstein":
            gap = self.said(made) - self.said(real)
            share = pt.reshape(t.rng.uniform(size=(count,)), over)
            steep = self.slope(real * share + made * (1 - share))
            rough = pt.square(pt.sqrt(steep + 1e-12) - 1)
        else:
            gap = F.softplus(self.said(made)) + F.softplus(-self.said(real))
            rough = self.slope(real) / 2  # Mescheder et al. 2018
        losses = gap + self.params.penalty * rough if self.params.penalty else gap
        t.minimize(self.critic_opt, losses, batch.weight)
        t.log("critic", pt.sum(gap * batch.weight), pt.sum(batch.weight))

    def slope(self, x: Any) -> Any:
        """The squared norm of the critic's gradient at each example; its own gradient has second derivatives."""
        gradient = pt.grad(lambda at: pt.sum(self.said(at)))(x)
        return pt.sum(pt.square(as_rows(gradient)), axis=1)

    def generator_step(self, t: Step, batch: Batch) -> None:
        said = self.said(self.drawn(t, batch.x.shape[0]))
        losses = -said if self.params.loss == "wasserstein" else F.softplus(-said)
        t.minimize(self.generator_opt, losses, batch.weight)
        t.log("generator", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def round(self, run: Run) -> None:
        # Whose turn it is follows from the steps so far, so that it does not matter where a round ends.
        turns = self.params.critic_steps + 1
        for _ in range(run.quota(self.data, self.params.round_steps)):
            last = run.progress.steps % turns == turns - 1
            run.loop(self.generator_step if last else self.critic_step, self.data, 1)

    def losses(self, t: Step, batch: Batch) -> Any:
        """The energy score of samples for each example (Gneiting and Raftery 2007), for each number: its distance to
        them, less half of theirs to each other. It is lowest where samples are drawn as the data is."""
        made = as_rows(self.drawn(t, DRAWN))
        return energy(as_rows(batch.x), made[: DRAWN // 2], made[DRAWN // 2 :])

    def predict(self, t: Step, batch: Batch) -> Any:
        """What the critic says of an example."""
        return self.critic(batch.x)

    def draw(self, t: Step, batch: Batch) -> Any:
        return pt.reshape(pt.sigmoid(self.generator(batch.code)), (batch.code.shape[0], *self.shape))

    def sample(self, run: Run, count: int, seed: int) -> Any:
        code = pt.random.Generator(seed).normal(size=(count, self.params.code)).numpy()
        return run.compute(self.draw, code=code)

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        return quality(run, part, self.sample, self.params.judged)

    def simple(self, dataset: Any, part: str) -> list[Baseline]:
        held, mean = some_rows(dataset.splits[part], JUDGED), some_rows(dataset.train).mean(axis=0)
        return [Baseline("dummy", "loss", score_of(held, mean[None], mean[None]), "always the mean example")]

    def sections(self, run: Run) -> list[Section]:
        held = some_rows(run.dataset.splits[run.dataset.judged_part], JUDGED)
        train = some_rows(run.dataset.train, DRAWN)
        best = score_of(held, train[0::2], train[1::2])
        return drawn_section(run, self.sample, lines=(f"The loss of training examples as samples is {best:.4g}.",))


def score_of(held: Any, one: Any, other: Any) -> float:
    """The mean energy score of two halves of a sample."""
    return float(energy(pt.asarray(held), one, other).numpy().mean())


def energy(x: Any, one: Any, other: Any) -> Any:
    """mean |x - s| - mean |s - s'| / 2 for each row of x, the distances divided by the root of the numbers."""
    one, other = pt.asarray(one), pt.asarray(other)
    within = pt.mean(_distances(one, other))
    return (pt.mean(_distances(x, pt.concat([one, other], axis=0)), axis=1) - within / 2) / x.shape[1] ** 0.5


def _distances(a: Any, b: Any) -> Any:
    squares = pt.sum(pt.square(a), axis=1, keepdims=True) + pt.reshape(pt.sum(pt.square(b), axis=1), (1, -1))
    return pt.sqrt(pt.maximum(squares - 2 * pt.matmul(a, pt.permute_dims(b, (1, 0))), 0.0) + 1e-12)
