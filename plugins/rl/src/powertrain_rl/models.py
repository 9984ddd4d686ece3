"""Models of agents: what to do, and what a state is worth."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Literal

import powertrain as pt
from powertrain.nn import Linear, Sequential
from powertrain.plugin import Inputs, Model, NoParams, as_rows, check_task, features, param


class ActorCritic(Model):
    """Layers of an actor, which gives a score for each action, or of a critic, which says what a state is worth.

    A strategy makes one of each from the same table, or the critic from [model.critic].

    Weights begin orthogonal, and small in the last layer, so that at first every action is about as likely.

    Example
        >>> from powertrain_rl.models import ActorCritic
        >>> ActorCritic(inputs=4, outputs=2, params=ActorCritic.Params(hidden=(8,)))(pt.ones((3, 4))).shape
        (3, 2)
    """

    strategy = "ppo"
    TORCH_FORWARD = """
        def forward(self, x):
            x = x.flatten(1)
            for layer in self.layers[:-1]:
                x = layer(x).relu() if self.rectified else layer(x).tanh()
            return self.layers[-1](x)
    """

    @dataclass(frozen=True)
    class Params:
        hidden: tuple[int, ...] = param((64, 64), low=1, doc="widths of the hidden layers")
        activation: Literal["tanh", "relu"] = param("tanh", doc="between the layers")
        last: float = param(0.01, above=0, doc="scale of the last layer's weights at first")

    def __init__(self, inputs: int, outputs: int, params: Params) -> None:
        super().__init__()
        widths = [inputs, *params.hidden, outputs]
        self.layers = Sequential(*(Linear(before, after) for before, after in itertools.pairwise(widths)))
        for at, layer in enumerate(self.layers):
            pt.nn.init.orthogonal_(layer.weight, gain=math.sqrt(2.0) if at < len(params.hidden) else params.last)
            pt.nn.init.zeros_(layer.bias)
        self.rectified = params.activation == "relu"

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> ActorCritic:
        check_task("actor-critic", inputs, "regression")
        return cls(features(inputs), inputs.outputs, params)

    def forward(self, x: Any) -> Any:
        x = as_rows(x)
        *hidden, last = self.layers
        for layer in hidden:
            x = pt.relu(layer(x)) if self.rectified else pt.tanh(layer(x))
        return last(x)


class QNetwork(Model):
    """What each action is worth. With `duelling` it is the value of the state plus how much better each action is than
    the average (Wang et al. 2016).

    Example
        >>> from powertrain_rl.models import QNetwork
        >>> QNetwork(inputs=4, actions=2, params=QNetwork.Params(hidden=(8,)))(pt.ones((3, 4))).shape
        (3, 2)
    """

    strategy = "dqn"
    TORCH_FORWARD = """
        def forward(self, x):
            x = x.flatten(1)
            for layer in self.layers:
                x = layer(x).relu()
            advantage = self.advantage(x)
            if not self.duelling:
                return advantage
            if self.several:
                advantage = advantage - advantage.mean(1, keepdim=True)
            return self.value(x) + advantage
    """

    @dataclass(frozen=True)
    class Params:
        hidden: tuple[int, ...] = param((128, 128), low=1, doc="widths of the hidden layers")
        duelling: bool = param(True, doc="tell the value of the state and the advantages of actions apart")

    def __init__(self, inputs: int, actions: int, params: Params) -> None:
        super().__init__()
        widths = [inputs, *params.hidden]
        self.layers = Sequential(*(Linear(before, after) for before, after in itertools.pairwise(widths)))
        self.advantage = Linear(widths[-1], actions)
        self.duelling, self.several = params.duelling, actions > 1  # one action is never better than the mean
        if params.duelling:
            self.value = Linear(widths[-1], 1)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> QNetwork:
        check_task("q-network", inputs, "regression")
        return cls(features(inputs), inputs.outputs, params)

    def forward(self, x: Any) -> Any:
        x = as_rows(x)
        for layer in self.layers:
            x = pt.relu(layer(x))
        advantage = self.advantage(x)
        if not self.duelling:
            return advantage
        if self.several:
            advantage = advantage - pt.mean(advantage, axis=1, keepdims=True)
        return self.value(x) + advantage


class QTable(Model):
    """One number for each state and action: a table, for observations that are rows with a one at their state.

    Example
        >>> from powertrain_rl.models import QTable
        >>> QTable(states=3, actions=2)(pt.eye(3)).numpy().tolist()
        [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """

    strategy = "q-learning"
    TORCH_FORWARD = """
        def forward(self, x):
            return self.table(x.flatten(1))
    """

    def __init__(self, states: int, actions: int) -> None:
        super().__init__()
        self.table = Linear(states, actions, bias=False)
        pt.nn.init.zeros_(self.table.weight)

    @classmethod
    def build(cls, params: NoParams, inputs: Inputs) -> QTable:
        check_task("q-table", inputs, "regression")
        return cls(features(inputs), inputs.outputs)

    def forward(self, x: Any) -> Any:
        return self.table(as_rows(x))
