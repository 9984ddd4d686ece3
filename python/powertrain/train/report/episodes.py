"""What the report shows of a run that plays: the return of every episode, and one episode as a filmstrip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.data.source import evenly_spaced
from powertrain.errors.methods import overridden
from powertrain.plugin.section import Section
from powertrain.train.evaluate.episodes import play_episode
from powertrain.train.folder.ledger import read_history

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.train.run.train_run import TrainRun

FRAMES = 12
SMOOTHED = 50  # episodes of a running mean
MOST_POINTS = 5_000  # more dots would be one block of colour


def pages(run: TrainRun) -> list[Section]:
    """The sections of a run in an environment; none of another."""
    if not run.dataset.kind.plays:
        return []
    return [*_returns(run), *_filmstrip(run)]


def _returns(run: TrainRun) -> list[Section]:
    events = [event for event in read_history(run.folder.path) if event["event"] == "episodes"]
    steps = np.array([event["env_steps"] for event in events for _ in event["returns"]], np.float64)
    returns = np.array([value for event in events for value in event["returns"]], np.float64)
    if not len(returns):
        return []
    window = min(SMOOTHED, len(returns))
    means = np.convolve(returns, np.full(window, 1 / window), mode="valid")
    shown = evenly_spaced(len(returns), MOST_POINTS)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.scatter(steps[shown], returns[shown], s=6, alpha=0.35, linewidths=0, label="one episode")
        axes.plot(steps[window - 1 :], means, color="C1", label=f"mean of {window}")
        axes.set(xlabel="environment steps", ylabel="return")
        axes.grid(alpha=0.3)
        axes.legend(loc="best", fontsize=8)
        figure.set_layout_engine("constrained")

    last = f"The last {window} had a mean return of {means[-1]:.4g}, the best one {returns.max():.4g}."
    said = f"{len(returns):,} episodes were played in training, with the actions that it tried."
    return [Section("Return of each episode", (said, last), draw=draw)]


def _filmstrip(run: TrainRun) -> list[Section]:
    env = run.sources.make_env(next(iter(run.recipe.copies)))()
    if not overridden(env, "draw"):
        return []
    seed = run.recipe.run.seed

    def draw(figure: Figure) -> None:
        _, length = play_episode(env, run.predict, seed)
        wanted = np.unique(np.linspace(0, length, FRAMES).round().astype(np.int64)).tolist()
        columns = -(-len(wanted) // 2)
        figure.set_size_inches(1.5 * columns, 3.6)
        figure.set_layout_engine("constrained")

        def look(at: int) -> None:
            if at in wanted:
                axes: Any = figure.add_subplot(2, columns, wanted.index(at) + 1)
                env.draw(axes)
                axes.set_title(f"step {at:,}", fontsize=8)

        play_episode(env, run.predict, seed, look)

    said = "One episode, with the actions that it thinks best. It was not among those that were evaluated."
    return [Section("An episode", (said,), draw=draw)]
