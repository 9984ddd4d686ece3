"""A network that says at each moment of a sound which label it hears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
from powertrain.nn import GRU, Dropout, Linear
from powertrain.plugin import Inputs, Model, ModelError, as_floats, check_task, param


class SpeechGRU(Model):
    """Spectrograms [frames, bands] to scores of labels [times, labels]. `stack` frames are one time (Sak et al. 2015);
    then a linear layer with relu, recurrent layers that read both ways (Graves et al. 2013), and a linear layer."""

    TORCH_FORWARD = """
        def forward(self, x):
            batch, frames, bands = x.shape
            times = frames // self.stack
            x = x[:, : times * self.stack].reshape(batch, times, self.stack * bands)
            x, _ = self.recurrent(self.dropout(F.relu(self.first(x))))
            return self.head(self.dropout(x))
    """
    example_inputs: ClassVar[tuple[Inputs, ...]] = (Inputs("transcription", (7, 5), 4),)

    @dataclass(frozen=True)
    class Params:
        stack: int = param(3, low=1, doc="frames that are one time")
        width: int = param(96, low=1, doc="width of each recurrent layer, each way")
        layers: int = param(2, low=1, doc="recurrent layers")
        dropout: float = param(0.1, low=0, below=1, doc="share of values set to zero in training")

    def __init__(self, shape: tuple[int, int], outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        frames, bands = shape
        if frames < params.stack:
            raise ModelError(
                f"[speech-gru] {frames} frames; expected at least {params.stack}, which are one time; lower stack"
            )
        width = params.width
        self.stack = params.stack
        self.first = Linear(params.stack * bands, width)
        self.recurrent = GRU(width, width, params.layers, dropout=params.dropout, bidirectional=True)
        self.dropout = Dropout(params.dropout)
        self.head = Linear(2 * width, outputs)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> SpeechGRU:
        check_task("speech-gru", inputs, "transcription")
        if len(inputs.shape) != 2:
            raise ModelError(
                f"[speech-gru] examples of shape {list(inputs.shape)}; expected [frames, bands]; use features = "
                '["spectrogram"]'
            )
        return cls((inputs.shape[0], inputs.shape[1]), inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        x = as_floats(x)
        batch, frames, bands = x.shape
        times = frames // self.stack
        x = pt.reshape(x[:, : times * self.stack], (batch, times, self.stack * bands))
        x, _ = self.recurrent(self.dropout(pt.relu(self.first(x))))
        return self.head(self.dropout(x))
