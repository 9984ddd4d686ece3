"""A network for board games: what may stand together anywhere on a board, then what it means."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.nn import Conv2d, Linear, Sequential
from powertrain.plugin import Inputs, Model, ModelError, as_images, as_rows, check_task, image_shape, param


class BoardNetwork(Model):
    """Looks at each square window of the board with the same weights, so that a line learned in one place is known in
    all; linear layers judge what was found where.

    Example
        >>> from powertrain_rl.games.network import BoardNetwork
        >>> BoardNetwork(shape=(6, 7, 2), outputs=8)(pt.ones((3, 6, 7, 2))).shape
        (3, 8)
    """

    strategy = "alphazero"
    example_inputs = (Inputs("regression", (6, 7, 2), 8), Inputs("regression", (4, 4), 3))
    TORCH_FORWARD = """
        def forward(self, x):
            x = self.windows(images(x)).relu().flatten(1)
            for layer in self.layers[:-1]:
                x = layer(x).relu()
            return self.layers[-1](x)
    """

    @dataclass(frozen=True)
    class Params:
        window: int = param(4, low=1, doc="rows and columns of a window; as long as the line that wins is usual")
        channels: int = param(64, low=1, doc="patterns that are looked for in each window")
        hidden: tuple[int, ...] = param((128,), low=1, doc="widths of the hidden layers after the windows")

    def __init__(self, shape: tuple[int, int, int], outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        rows, columns, planes = shape
        down, across = rows - params.window + 1, columns - params.window + 1
        if min(down, across) < 1:
            raise ModelError(
                f"[board-network] window = {params.window} on a board of {rows} x {columns}; expected a window that "
                f"fits on it; give window = {min(rows, columns)} or less"
            )
        self.windows = Conv2d(planes, params.channels, params.window)
        widths = [down * across * params.channels, *params.hidden, outputs]
        self.layers = Sequential(*(Linear(before, after) for before, after in itertools.pairwise(widths)))

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> BoardNetwork:
        check_task("board-network", inputs, "classification", "regression")
        return cls(image_shape("board-network", inputs), inputs.outputs, params)

    def forward(self, x: Any) -> Any:
        x = as_rows(pt.relu(self.windows(as_images(x))))
        *hidden, last = self.layers
        for layer in hidden:
            x = pt.relu(layer(x))
        return last(x)
