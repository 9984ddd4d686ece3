"""The whole Trainer."""

from __future__ import annotations

from powertrain.plugin.learning import Strategy
from powertrain.plugin.run import Run
from powertrain.recipe.durations import Duration


def fit(strategy: Strategy, run: Run, until: Duration) -> None:
    """Train until the target is reached or the run is asked to stop. A kill inside a round replays it from the last
    commit: slots are consistent between a round and the next, and only there."""
    strategy.setup(run)
    run.restore()
    while run.progress < until and not run.stop:
        strategy.round(run)
        run.commit()
