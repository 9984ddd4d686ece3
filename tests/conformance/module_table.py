"""How the inputs of PyTorch's modules lie, whose names and settings are ours too.

`AXES`: how many axes of space follow the channels, which are last here: -1 for any number of them, and a module that is
not named has inputs that lie alike. The suite runs the modules of `COVERED`.
"""

from __future__ import annotations


def _space(name: str, axes: tuple[int, ...] = (1, 2, 3)) -> dict[str, int]:
    return {f"{name}{n}d": n for n in axes}


AXES: dict[str, int] = {
    "PReLU": -1,
    "Softmax2d": 2,
    "NLLLoss": -1,
    "CrossEntropyLoss": -1,
    "GroupNorm": -1,
    "LocalResponseNorm": -1,
    **_space("Conv"),
    **_space("ConvTranspose"),
    **dict.fromkeys(_space("BatchNorm"), -1),
    **_space("InstanceNorm"),
    **_space("MaxPool"),
    **_space("AvgPool"),
    **_space("AdaptiveAvgPool"),
    **_space("AdaptiveMaxPool"),
    **_space("LPPool", (1, 2)),
    **{name: n for kind in ("Reflection", "Replication", "Circular", "Zero", "Constant")
       for name, n in _space(f"{kind}Pad").items()},
}  # fmt: skip
COVERED = frozenset({
    *AXES,
    "ReLU", "ReLU6", "Sigmoid", "SiLU", "Mish", "Hardswish", "LogSigmoid", "Softsign", "Tanh", "Tanhshrink", "SELU",
    "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Softshrink", "Hardtanh", "LeakyReLU", "Threshold", "Softplus",
    "Softmax", "LogSoftmax", "Softmin",
    "L1Loss", "MSELoss", "SoftMarginLoss", "BCELoss", "MultiLabelMarginLoss", "SmoothL1Loss", "HuberLoss", "KLDivLoss",
    "BCEWithLogitsLoss", "GaussianNLLLoss", "PoissonNLLLoss", "CosineEmbeddingLoss", "MarginRankingLoss",
    "HingeEmbeddingLoss", "MultiMarginLoss", "MultiLabelSoftMarginLoss",
    "Linear", "Bilinear", "Embedding", "LayerNorm", "RMSNorm",
    "RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell", "MultiheadAttention", "TransformerEncoderLayer",
    "TransformerDecoderLayer", "Transformer",
})  # fmt: skip
# How PyTorch runs a module or lays its batches, which the suite sees to.
PASSED_OVER = ("inplace", "device", "dtype", "sparse", "batch_first")
# Whose batches PyTorch has behind the steps unless it is told otherwise.
STEPS_FIRST = ("RNN", "GRU", "LSTM", "MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer",
               "Transformer")  # fmt: skip
