"""`powertrain sample`: new examples from a trained run, drawn by its strategy."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.methods import overridden
from powertrain.plugin.conversion import check
from powertrain.plugin.params import params_of
from powertrain.plugin.wording import show
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

MOST_SEED = 2**63 - 1


def sample(run: TrainRun, count: int, seed: int, settings: Mapping[str, Any]) -> NDArray[Any]:
    """New examples. The settings are the keyword-only arguments of the strategy's own `sample`."""
    strategy, name = run.strategy, run.recipe.strategy.name
    if not overridden(strategy, "sample"):
        more = "powertrain generate goes on with a text" if run.dataset.kind.tokens else "powertrain predict answers"
        raise RunError(
            f"[sample] {run.folder.path} learns by {name}, which draws no examples; expected the run of a generative "
            f"model, such as vae or diffusion; {more}"
        )
    if type(count) is not int or count < 1:
        raise RunError(f"[sample] received count={show(count)}; expected a whole number > 0; such as 64")
    if type(seed) is not int or not 0 <= seed <= MOST_SEED:
        raise RunError(f"[sample] received seed={show(seed)}; expected a whole number from 0 to 2^63 - 1; such as 0")
    made, mistakes = check(params_of(type(strategy).sample), settings, name)
    if mistakes:
        words = "; ".join(f"{'.'.join(map(str, one.path)) or name}: {one.text}" for one in mistakes)
        raise RunError(f"[sample] {words}")
    given = {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}
    found = np.asarray(strategy.sample(run, count, seed, **given))
    if not np.isfinite(found).all():
        raise RunError(
            f"[sample] {run.folder.path} drew numbers that are not finite; expected finite ones; see with powertrain "
            "report whether its training diverged"
        )
    return found
