"""PyTorch's modules as ours: the names of their settings, and how their inputs lie.

`of` is our class; `names` turns PyTorch's settings into ours, and any other must be what it usually is. `axes` is how
many axes of space follow the channels, which are last here: None where both lie alike, -1 for any number of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

REDUCED = {"reduction": "reduction"}
CONVOLUTION = {
    "in_channels": "inputs", "out_channels": "outputs", "kernel_size": "kernel", "stride": "stride",
    "padding": "padding", "dilation": "dilation", "groups": "groups", "bias": "bias",
}  # fmt: skip
NORM = {"num_features": "width", "eps": "eps", "momentum": "momentum"}
WINDOW = {"kernel_size": "window", "stride": "stride", "padding": "padding"}
RECURRENT = {
    "input_size": "inputs", "hidden_size": "width", "num_layers": "layers", "bidirectional": "bidirectional",
    "bias": "bias", "dropout": "dropout",
}  # fmt: skip
CELL = {"input_size": "inputs", "hidden_size": "width", "bias": "bias"}
LAYER = {
    "d_model": "width", "nhead": "heads", "dim_feedforward": "hidden", "dropout": "dropout",
    "activation": "activation", "layer_norm_eps": "eps", "norm_first": "norm_first", "bias": "bias",
}  # fmt: skip
# How PyTorch runs a module or lays its batches, which the suite sees to.
PASSED_OVER = ("inplace", "device", "dtype", "sparse", "batch_first", "enable_nested_tensor", "mask_check")


@dataclass(frozen=True)
class Row:
    of: str
    names: dict[str, str] = field(default_factory=dict)
    axes: int | None = None


def _same(*classes: str) -> dict[str, Row]:
    return {name: Row(name) for name in classes}


def _space(name: str, axes: tuple[int, ...], names: dict[str, str]) -> dict[str, Row]:
    return {f"{name}{n}d": Row(f"{name}{n}d", names, n) for n in axes}


ROWS: dict[str, Row] = {
    **_same("ReLU", "ReLU6", "Sigmoid", "SiLU", "Mish", "Hardswish", "LogSigmoid", "Softsign", "Tanh", "Tanhshrink",
            "SELU"),
    "CELU": Row("CELU", {"alpha": "alpha"}),
    "ELU": Row("ELU", {"alpha": "alpha"}),
    "GELU": Row("GELU", {"approximate": "approximate"}),
    "GLU": Row("GLU", {"dim": "axis"}),
    "Hardshrink": Row("Hardshrink", {"lambd": "lambd"}),
    "Softshrink": Row("Softshrink", {"lambd": "lambd"}),
    "Hardtanh": Row("Hardtanh", {"min_val": "low", "max_val": "high"}),
    "LeakyReLU": Row("LeakyReLU", {"negative_slope": "slope"}),
    "PReLU": Row("PReLU", {"num_parameters": "channels", "init": "first"}, -1),
    "Threshold": Row("Threshold", {"threshold": "threshold", "value": "value"}),
    "Softplus": Row("Softplus", {"beta": "beta", "threshold": "threshold"}),
    "Softmax2d": Row("Softmax2d", {}, 2),
    **{name: Row(name, {"dim": "axis"}) for name in ("Softmax", "LogSoftmax", "Softmin")},
    # Losses.
    **{name: Row(name, REDUCED) for name in (
        "L1Loss", "MSELoss", "SoftMarginLoss", "BCELoss", "MultiLabelMarginLoss",
    )},
    "SmoothL1Loss": Row("SmoothL1Loss", {**REDUCED, "beta": "beta"}),
    "HuberLoss": Row("HuberLoss", {**REDUCED, "delta": "delta"}),
    "KLDivLoss": Row("KLDivLoss", {**REDUCED, "log_target": "log_target"}),
    "BCEWithLogitsLoss": Row("BCEWithLogitsLoss", {**REDUCED, "pos_weight": "pos_weight"}),
    "GaussianNLLLoss": Row("GaussianNLLLoss", {**REDUCED, "full": "full", "eps": "eps"}),
    "PoissonNLLLoss": Row("PoissonNLLLoss", {**REDUCED, "log_input": "log_input", "full": "full", "eps": "eps"}),
    **{name: Row(name, {**REDUCED, "margin": "margin"}) for name in (
        "CosineEmbeddingLoss", "MarginRankingLoss", "HingeEmbeddingLoss",
    )},
    "MultiMarginLoss": Row("MultiMarginLoss", {**REDUCED, "p": "p", "margin": "margin", "weight": "weight"}),
    "MultiLabelSoftMarginLoss": Row("MultiLabelSoftMarginLoss", {**REDUCED, "weight": "weight"}),
    "NLLLoss": Row("NLLLoss", {**REDUCED, "weight": "weight", "ignore_index": "ignore_index"}, -1),
    "CrossEntropyLoss": Row("CrossEntropyLoss", {
        **REDUCED, "weight": "weight", "ignore_index": "ignore_index", "label_smoothing": "label_smoothing"}, -1),
    # Layers.
    "Linear": Row("Linear", {"in_features": "inputs", "out_features": "outputs", "bias": "bias"}),
    "Bilinear": Row("Bilinear", {
        "in1_features": "first", "in2_features": "second", "out_features": "outputs", "bias": "bias"}),
    "Embedding": Row("Embedding", {
        "num_embeddings": "count", "embedding_dim": "width", "padding_idx": "padding_index"}),
    **_space("Conv", (1, 2, 3), CONVOLUTION),
    **_space("ConvTranspose", (1, 2, 3), {**CONVOLUTION, "output_padding": "output_padding"}),
    **{f"BatchNorm{n}d": Row("BatchNorm", NORM, -1) for n in (1, 2, 3)},
    **{f"InstanceNorm{n}d": Row("InstanceNorm", {
        "num_features": "width", "eps": "eps", "affine": "affine"}, n) for n in (1, 2, 3)},
    "GroupNorm": Row("GroupNorm", {
        "num_groups": "groups", "num_channels": "width", "eps": "eps", "affine": "affine"}, -1),
    "LayerNorm": Row("LayerNorm", {"normalized_shape": "width", "eps": "eps", "bias": "bias"}),
    "RMSNorm": Row("RMSNorm", {"normalized_shape": "width", "eps": "eps"}),
    "LocalResponseNorm": Row("LocalResponseNorm", {"size": "size", "alpha": "alpha", "beta": "beta", "k": "k"}, -1),
    **_space("MaxPool", (1, 2, 3), {**WINDOW, "dilation": "dilation", "ceil_mode": "ceil_mode"}),
    **_space("AvgPool", (1, 2, 3), {**WINDOW, "count_include_pad": "count_padding", "ceil_mode": "ceil_mode"}),
    "LPPool2d": Row("LPPool2d", {
        "norm_type": "ord", "kernel_size": "window", "stride": "stride", "ceil_mode": "ceil_mode"}, 2),
    "AdaptiveAvgPool2d": Row("AdaptiveAvgPool2d", {"output_size": "size"}, 2),
    "AdaptiveMaxPool2d": Row("AdaptiveMaxPool2d", {"output_size": "size"}, 2),
    **{name: row for kind in ("Reflection", "Replication", "Circular", "Zero")
       for name, row in _space(f"{kind}Pad", (1, 2, 3), {"padding": "amount"}).items()},
    **_space("ConstantPad", (1, 2, 3), {"padding": "amount", "value": "value"}),
    # Sequences.
    "RNN": Row("RNN", {**RECURRENT, "nonlinearity": "nonlinearity"}),
    "GRU": Row("GRU", RECURRENT),
    "LSTM": Row("LSTM", RECURRENT),
    "RNNCell": Row("RNNCell", {**CELL, "nonlinearity": "nonlinearity"}),
    "GRUCell": Row("GRUCell", CELL),
    "LSTMCell": Row("LSTMCell", CELL),
    "MultiheadAttention": Row("MultiheadAttention", {
        "embed_dim": "width", "num_heads": "heads", "dropout": "dropout", "bias": "bias", "kdim": "key_width",
        "vdim": "value_width"}),
    "TransformerEncoderLayer": Row("TransformerEncoderLayer", LAYER),
    "TransformerDecoderLayer": Row("TransformerDecoderLayer", LAYER),
    "Transformer": Row("Transformer", {
        **LAYER, "num_encoder_layers": "encoder_layers", "num_decoder_layers": "decoder_layers"}),
}  # fmt: skip
# Whose batches PyTorch has behind the steps unless it is told otherwise.
STEPS_FIRST = ("RNN", "GRU", "LSTM", "MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer",
               "Transformer")  # fmt: skip
