"""DP-SGD (Abadi et al. 2016): supervised learning whose weights tell little about any single example."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.data import evenly_spaced
from powertrain.plugin import Batch, Run, Section, Step, Strategy, param
from powertrain_privacy.accountant import Accountant, noise_for
from powertrain_privacy.attack import Attack, loss_attack, most_advantage
from powertrain_privacy.clipping import Calls, clipped_sum
from powertrain_privacy.errors import PrivacyError
from powertrain_privacy.preflight import SAME, demand_independent, demand_private_data

# Share of a gradient that differs where the same terms are added in another order, and far below one that is missed.
MISSED = 1e-3
ATTACKED = 10_000  # most examples of a part that the attack looks at
AT_ONCE = 500


class DPSGD(Strategy):
    """Clips the gradient of each example to `max_grad_norm` and adds noise to their sum.

    A batch is a Poisson sample: each example is in it by the chance run.batch_size / examples. Give
    `noise_multiplier`, or `target_epsilon`, for which the noise is found that spends it in the whole run.
    """

    @dataclass(frozen=True)
    class Params:
        max_grad_norm: float = param(1.0, above=0, doc="norm to which the gradient of each example is clipped")
        noise_multiplier: float | None = param(None, above=0, doc="deviation of the noise, over max_grad_norm")
        target_epsilon: float | None = param(None, above=0, doc="epsilon that the whole run may spend")
        delta: float = param(1e-5, above=0, below=1, doc="chance for which epsilon promises nothing")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

        def __post_init__(self) -> None:
            if (self.noise_multiplier is None) == (self.target_epsilon is None):
                raise ValueError(
                    f"noise_multiplier = {self.noise_multiplier}, target_epsilon = {self.target_epsilon}; expected one "
                    "of them; target_epsilon = 3.0 is usual"
                )

    poisson: ClassVar[bool] = True
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"noise_multiplier": 1.0}, {"target_epsilon": 3.0})
    scores: ClassVar[tuple[str, ...]] = ("epsilon", "attack_auc")
    example_recipe: ClassVar[str] = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [16] }
strategy  = { use = "dp-sgd", noise_multiplier = 1.0, delta = 1e-4 }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "20 steps", batch_size = 32 }
"""

    def setup(self, run: Run) -> None:
        super().setup(run)
        self.count = demand_private_data(run, self.params.delta)
        self.batch_size: int = min(run.data("train").batch_size, self.count)
        demand_independent(self.model, run)
        self.calls = Calls(self.model)
        # 0 until the first round finds it, which takes seconds that a run which only answers can do without.
        self.noise = run.slot("noise_multiplier", np.float32(self.params.noise_multiplier or 0.0))
        run.after_evaluation(lambda run, _: f"privacy  {self.spent(run)}")

    def round(self, run: Run) -> None:
        if run.progress.rounds == 0:  # not in setup: a run that is opened to be asked has no examples
            self._demand_whole_gradients(run)
        if not float(self.noise.value):
            self.noise.value = pt.tensor(np.float32(self.sufficient_noise(run)))
        super().round(run)

    def sufficient_noise(self, run: Run) -> float:
        """The noise multiplier with which the whole run spends the epsilon that it may."""
        if run.total_steps is None:
            raise PrivacyError(
                "[dp-sgd] target_epsilon in a run whose number of steps is not known in advance; expected run.until "
                "in epochs or steps; write one, or give noise_multiplier"
            )
        assert self.params.target_epsilon is not None
        return noise_for(self.params.target_epsilon, self.params.delta, self.batch_size / self.count, run.total_steps)

    def step(self, t: Step, batch: Batch) -> None:
        with self.calls.kept(batch.weight.shape[0]) as calls:
            losses = self._per_example(self.model(batch.x), batch)
        by_outputs = t.gradients(pt.sum(losses * batch.weight), [call.output for call in calls])
        grads, norms = clipped_sum(calls, by_outputs, self.params.max_grad_norm)
        scale = self.noise.value * self.params.max_grad_norm
        noisy = {path: g + scale * t.rng.normal(size=g.shape, dtype=g.dtype) for path, g in grads.items()}
        # By the mean size of a batch: the size of this one depends on who is in it.
        self.opt.update(noisy, weight=float(self.batch_size))
        real = pt.astype(batch.weight > 0, losses.dtype)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))
        t.log("clipped", pt.sum(real * (norms > self.params.max_grad_norm)), pt.sum(real))

    def _demand_whole_gradients(self, run: Run) -> None:
        """Refuse models whose parameters reach the loss by another way than the forward of their layer, such as an
        embedding whose weight is also the output layer: a gradient by layers would miss that."""
        fields = run.dataset.splits["train"].fetch(np.arange(min(SAME, self.count)))
        missed = run.compute(self.missed, x=fields["x"], y=fields["y"])
        paths = [path for path, slot in self.model.named_parameters() if slot.trainable]
        for path, share in zip(paths, missed.tolist(), strict=True):
            if share > MISSED:
                raise PrivacyError(
                    f"[dp-sgd] {path} reaches the loss by another way than the forward of its layer; expected that "
                    "one alone, whose gradient per example is known; give the other place parameters of its own"
                )

    def missed(self, t: Step, batch: Batch) -> Any:
        """Traced: for each trainable parameter, how far the gradient by layers is from the whole one."""
        with self.calls.kept(batch.x.shape[0]) as calls:
            total = pt.sum(self._per_example(self.model(batch.x), batch))
        found, _ = clipped_sum(calls, t.gradients(total, [call.output for call in calls]), math.inf)
        _, whole = pt.nn.value_and_grad(self.model, lambda: pt.sum(self._per_example(self.model(batch.x), batch)))()
        lengths = [(norm(found[path] - g), norm(found[path]) + norm(g)) for path, g in whole.items()]
        return pt.stack([apart / pt.maximum(both, 1e-30) for apart, both in lengths])

    def _per_example(self, outputs: Any, batch: Batch) -> Any:
        """One loss for each example."""
        losses = self.loss(outputs, batch.y)
        if not losses.shape:
            raise PrivacyError(
                "[dp-sgd] the loss is one number for a batch; expected one value per example, each of which is "
                "clipped; leave the mean out of the loss"
            )
        return pt.mean(pt.reshape(losses, (losses.shape[0], -1)), axis=1)

    # What was spent, and what an attacker sees.

    @cached_property
    def account(self) -> Accountant:
        """Of the noise that the run has."""
        return Accountant(float(self.noise.value), self.batch_size / self.count, self.params.delta)

    def spent(self, run: Run) -> str:
        epsilon = self.account.epsilon(run.progress.steps)
        return f"epsilon {epsilon:.3g} at delta {self.params.delta:g} after {run.progress.steps:,} steps"

    def example_losses(self, t: Step, batch: Batch) -> Any:
        return self._per_example(self.predict(t, batch), batch)

    def attack(self, run: Run, part: str) -> Attack:
        """By the losses of training examples and of a part that was not trained on."""
        return loss_attack(*(self._losses_on(run, name) for name in ("train", part)))

    def _losses_on(self, run: Run, part: str) -> Any:
        """The losses of a part, or of evenly spaced examples of it where it has many."""
        source = run.dataset.splits[part]
        rows = evenly_spaced(len(source), ATTACKED)
        found = []
        for start in range(0, len(rows), AT_ONCE):
            fields = source.fetch(rows[start : start + AT_ONCE])
            found.append(run.compute(self.example_losses, x=fields["x"], y=fields["y"]))
        return np.concatenate(found)

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        return {"epsilon": self.account.epsilon(run.progress.steps), "attack_auc": self.attack(run, part).auc}

    def sections(self, run: Run) -> list[Section]:
        return [self._promise(run), *self._attacks(run)]

    def _promise(self, run: Run) -> Section:
        epsilon, params = self.account.epsilon(run.progress.steps), self.params
        lines = [
            f"Every result is about as likely without any one of the {self.count:,} training examples: "
            f"within a factor of e^{epsilon:.3g}, except for a probability of {params.delta:g}.",
            "This covers the weights, but not the other sections, which show training examples and losses. Anyone who "
            "knows the seed can remove the noise, so publish the weights and not this folder.",
        ]
        if run.dataset.state:
            learned = ", ".join(run.dataset.state)
            lines.append(
                f"It does not cover what the reader of the data learned from the training examples: {learned}."
            )
        rows = (
            ("quantity", "value"),
            ("epsilon", f"{epsilon:.4g}"),
            ("delta", f"{params.delta:g}"),
            ("noise multiplier", f"{self.account.noise_multiplier:.4g}"),
            ("clip (max_grad_norm)", f"{params.max_grad_norm:g}"),
            ("probability of an example in a step", f"{self.account.chance:.4g}"),
            ("steps", f"{run.progress.steps:,}"),
            ("neighbours", "one example more or less"),
            ("account", "dp-accounting: privacy loss distributions, Poisson sampling"),
        )
        return Section("Privacy spent", tuple(lines), rows)

    def _attacks(self, run: Run) -> list[Section]:
        part = next((name for name in ("test", "valid") if name in run.parts), None)
        if part is None:
            return []
        found, epsilon = self.attack(run, part), self.account.epsilon(run.progress.steps)
        lines = (
            "An attacker guesses that examples with a small loss were trained on. An AUC of 0.5 is guessing. "
            "This attack is the simplest one: a low AUC proves nothing, a high one shows a leak.",
        )
        rows = (
            ("quantity", "value"),
            ("AUC", f"{found.auc:.3f}"),
            ("95 % interval", f"{found.low:.3f} to {found.high:.3f}"),
            ("members found at 1 % false alarms", f"{found.found:.2%}"),
            ("examples", f"{found.members:,} of train, {found.outsiders:,} of {part}"),
            ("bound on members found minus false alarms", f"{most_advantage(epsilon, self.params.delta):.3f}"),
        )
        return [Section("Membership attack", lines, rows)]


def norm(values: Any) -> Any:
    return pt.sqrt(pt.sum(pt.square(values)))
