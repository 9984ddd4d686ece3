"""Every module checks its settings when it is made: exact texts, before any parameter is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn

NAN = float("nan")


def whole(where: str, name: str, value: Any, least: int = 0, example: int = 8) -> str:
    return (
        f"[{where}] {name} = {value!r}; expected a whole number from {least} to 2147483647; for example {name} = "
        f"{example}"
    )


def number(where: str, name: str, value: Any, bounds: str = " >= 0") -> str:
    return f"[{where}] {name} = {value!r}; expected a finite number{bounds}; leave {name} out for the usual one"


CASES: list[tuple[Callable[[], Any], str]] = [
    (lambda: nn.BatchNorm1d(2**31), whole("BatchNorm1d", "num_features", 2**31)),
    (lambda: nn.BatchNorm2d(2.5), whole("BatchNorm2d", "num_features", 2.5)),  # type: ignore[arg-type]
    (lambda: nn.BatchNorm3d(True), whole("BatchNorm3d", "num_features", True)),
    (lambda: nn.BatchNorm1d(3, momentum=2), number("BatchNorm1d", "momentum", 2, " >= 0 and <= 1")),
    (lambda: nn.BatchNorm1d(3, eps=NAN), number("BatchNorm1d", "eps", NAN)),
    (
        lambda: nn.LayerNorm(-1),
        "[LayerNorm] normalized_shape = -1; expected a whole number from 0 to 2147483647, or a tuple of them; it is "
        "the sizes of the last axes",
    ),
    (lambda: nn.RMSNorm(3, -1.0), number("RMSNorm", "eps", -1.0)),
    (lambda: nn.GroupNorm(0, 4), whole("GroupNorm", "num_groups", 0, 1)),
    (lambda: nn.InstanceNorm2d("4"), whole("InstanceNorm2d", "num_features", "4")),  # type: ignore[arg-type]
    (lambda: nn.Linear(-1, 3), whole("Linear", "in_features", -1)),
    (lambda: nn.Linear(3, -1), whole("Linear", "out_features", -1)),
    (lambda: nn.Linear(2.0, 3), whole("Linear", "in_features", 2.0)),  # type: ignore[arg-type]
    (lambda: nn.Linear(2, 3, std=-1.0), number("Linear", "std", -1.0)),
    (lambda: nn.Embedding(-3, 2), whole("Embedding", "num_embeddings", -3)),
    (
        lambda: nn.Embedding(3, 2, padding_idx=3),
        "[Embedding] padding_idx = 3; expected a row of 3; 0 is usual",
    ),
    (
        lambda: nn.EmbeddingBag(3, 2, mode="median"),  # type: ignore[arg-type]
        "[EmbeddingBag] mode = 'median'; expected 'mean', 'sum' or 'max'; 'mean' is usual",
    ),
    (lambda: nn.Dropout(2), "[Dropout] p = 2; expected 0 <= p < 1; 0.1 is usual"),
    (lambda: nn.Dropout("a"), "[Dropout] p = 'a'; expected 0 <= p < 1; 0.1 is usual"),  # type: ignore[arg-type]
    (lambda: nn.Dropout2d(NAN), "[Dropout2d] p = nan; expected 0 <= p < 1; 0.1 is usual"),
    (lambda: nn.AlphaDropout(-0.5), "[AlphaDropout] p = -0.5; expected 0 <= p < 1; 0.1 is usual"),
    (
        lambda: nn.Flatten()(pt.tensor(1.0)),
        "[Flatten] input is a scalar; expected examples along a first axis; reshape it to (1,)",
    ),
    (lambda: nn.Conv1d(3, 4, 0), whole("Conv1d", "kernel_size", 0, 1, 1)),
    (
        lambda: nn.Conv2d(3, 4, -1),
        "[Conv2d] kernel_size = -1; expected a whole number from 1 to 2147483647, or a tuple of 2; for "
        "example kernel_size = 1",
    ),
    (
        lambda: nn.Conv2d(3, 4, (3,)),  # type: ignore[arg-type]
        "[Conv2d] kernel_size = (3,); expected a whole number from 1 to 2147483647, or a tuple of 2; for "
        "example kernel_size = 1",
    ),
    (
        lambda: nn.Conv3d(3, 4, 3, stride=(1, 0, 1)),
        "[Conv3d] stride = (1, 0, 1); expected a whole number from 1 to 2147483647, or a tuple of 3; for example "
        "stride = 1",
    ),
    (lambda: nn.Conv2d(3, 4, 3, groups=0), whole("Conv2d", "groups", 0, 1)),
    (
        lambda: nn.ConvTranspose2d(3, 4, 3, output_padding=-1),
        "[ConvTranspose2d] output_padding = -1; expected a whole number from 0 to 2147483647, or a tuple of 2; for "
        "example "
        "output_padding = 1",
    ),
    (
        lambda: nn.MaxPool2d(0),
        "[MaxPool2d] kernel_size = 0; expected a whole number from 1 to 2147483647, or a tuple of 2; for "
        "example kernel_size = 1",
    ),
    (
        lambda: nn.AvgPool1d(2, stride=0),
        "[AvgPool1d] stride = 0; expected a whole number from 1 to 2147483647; for example stride = 1",
    ),
    (
        lambda: nn.AdaptiveAvgPool2d((2, -1)),
        "[AdaptiveAvgPool2d] output_size = (2, -1); expected a whole number from 1 to 2147483647, or a tuple of 2, or "
        "None for an axis that stays; for example output_size = 1",
    ),
    (lambda: nn.LPPool2d(0, 2), number("LPPool2d", "norm_type", 0, " > 0")),
    (lambda: nn.Upsample(scale_factor=-1), number("Upsample", "scale_factor", -1, " > 0")),
    (
        lambda: nn.Upsample(scale_factor=2, mode="cubic"),  # type: ignore[arg-type]
        "[Upsample] mode = 'cubic'; expected 'nearest', 'bilinear' or 'bicubic'; 'nearest' is usual",
    ),
    (lambda: nn.PixelShuffle(0), whole("PixelShuffle", "upscale_factor", 0, 1)),
    (lambda: nn.ChannelShuffle(0), whole("ChannelShuffle", "groups", 0, 1)),
    (lambda: nn.LSTM(3, -2), whole("LSTM", "hidden_size", -2, 1)),
    (
        lambda: nn.RNN(3, 4, nonlinearity="gelu"),  # type: ignore[arg-type]
        "[RNN] nonlinearity = 'gelu'; expected 'tanh' or 'relu'; 'tanh' is usual",
    ),
    (lambda: nn.GRUCell(0, 2), whole("GRUCell", "input_size", 0, 1)),
    (lambda: nn.MultiheadAttention(0, 1), whole("MultiheadAttention", "embed_dim", 0, 1)),
    (
        lambda: nn.MultiheadAttention(4, 2, 1.0),
        "[MultiheadAttention] dropout = 1.0; expected 0 <= dropout < 1; 0.1 is usual",
    ),
    (lambda: nn.TransformerBlock(4, 2, depth=0), whole("TransformerBlock", "depth", 0, 1)),
    *(
        (
            lambda count=count: nn.TransformerEncoder(nn.ReLU(), count),  # type: ignore[misc]
            f"[TransformerEncoder] num_layers = {count}; expected a whole number from 0 to 10000; for example "
            "num_layers = 8",
        )
        for count in (-1, 2**63)
    ),
    (lambda: nn.PReLU(-1), whole("PReLU", "num_parameters", -1, 1)),
    (lambda: nn.ELU(NAN), number("ELU", "alpha", NAN, "")),
    (lambda: nn.Softmax(1.5), whole("Softmax", "dim", 1.5, -8)),  # type: ignore[arg-type]
    (
        lambda: nn.GELU("exact"),  # type: ignore[arg-type]
        "[GELU] approximate = 'exact'; expected 'none' or 'tanh'; 'none' is usual",
    ),
    (
        lambda: nn.ZeroPad2d((1, 2, 3)),
        "[ZeroPad2d] padding = (1, 2, 3); expected one number, or 4, none below 0; (before, after) of the last axis "
        "first",
    ),
    (lambda: nn.RReLU(0.5, 0.25), "[RReLU] lower = 0.5, upper = 0.25; expected lower <= upper; swap them"),
    (lambda: nn.LocalResponseNorm(0), whole("LocalResponseNorm", "size", 0, 1)),
    (lambda: nn.Bilinear(2, 3, -4), whole("Bilinear", "out_features", -4)),
    (lambda: nn.PairwiseDistance(NAN), "[PairwiseDistance] p = nan; expected a number, or infinity; 2.0 is usual"),
    (lambda: nn.MarginRankingLoss(NAN), number("MarginRankingLoss", "margin", NAN, "")),
    (
        lambda: nn.MSELoss(reduction="median"),  # type: ignore[arg-type]
        "[MSELoss] reduction = 'median'; expected 'mean', 'sum' or 'none'; 'mean' is usual",
    ),
    (
        lambda: nn.KLDivLoss(reduction="batch"),  # type: ignore[arg-type]
        "[KLDivLoss] reduction = 'batch'; expected 'mean', 'sum', 'none' or 'batchmean'; 'mean' is usual",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), CASES, ids=[message.split(";")[0] for _, message in CASES])
def test_settings_that_are_refused(make: Callable[[], Any], message: str) -> None:
    drawn = pt.random.default_generator().slot.numpy().tolist()
    with pytest.raises(pt.Error) as caught:
        make()
    assert str(caught.value) == message and isinstance(caught.value, ValueError)
    assert pt.random.default_generator().slot.numpy().tolist() == drawn


def test_numbers_of_numpy_are_numbers() -> None:
    assert nn.Linear(np.int64(2), np.int32(3)).weight.shape == (2, 3)  # type: ignore[arg-type]
    assert nn.Dropout(np.float32(0.5)).p == 0.5  # type: ignore[arg-type]


def test_nothing_flattens_to_rows_of_nothing() -> None:
    assert nn.Flatten()(pt.zeros((0, 2, 3))).shape == (0, 6)
    assert nn.Flatten()(pt.zeros((2,))).shape == (2, 1)
