"""Draws from the scores of a policy, and how likely they were."""

from __future__ import annotations

from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import Box, Environments, Step
from powertrain_rl.errors import StrategyError


def drawn(t: Step, scores: Any) -> Any:
    """An action for each row, drawn by the softmax of its scores."""
    return pt.argmax(scores + t.rng.gumbel(size=tuple(scores.shape)), axis=1)


def taken(values: Any, action: Any) -> Any:
    """The value in each row that belongs to its action."""
    return pt.take_along_axis(values, action[:, None], axis=1)[:, 0]


def best(output: Any) -> dict[str, Any]:
    """What `powertrain predict` says of an observation: the action of the highest score."""
    return {"action": int(np.argmax(output)), "scores": [float(one) for one in output]}


def demand_numbered(strategy: str, env: Environments) -> None:
    """Refuse an environment whose actions are numbers rather than one of a few."""
    if isinstance(env.actions, Box):
        raise StrategyError(
            f"[strategy {strategy}] the environment takes actions of {env.actions.size} numbers; expected one with "
            'discrete actions; use strategy = "rl/sac"'
        )


def greedy_or_random(t: Step, scores: Any, share: Any) -> Any:
    """The action of the highest score in each row; in a share of them one at random, each as likely."""
    rows, actions = scores.shape
    best = pt.argmax(scores, axis=1)
    drawn = pt.astype(pt.floor(t.rng.uniform(size=(rows,)) * actions), best.dtype)
    return pt.where(t.rng.uniform(size=(rows,)) < share, pt.minimum(drawn, actions - 1), best)
