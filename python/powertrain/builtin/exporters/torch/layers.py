"""The engine's layers as expressions of PyTorch. Images and sequences keep their channels last, as they are here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import powertrain as pt
import powertrain.nn.functional as F
from powertrain import nn
from powertrain.plugin.exporter import ExportError

# Layers whose channels PyTorch has first: the same layers, with the axes turned around them.
AROUND = """\
class {name}(nn.{name}):
    \"""PyTorch's {name} on arrays whose channels are last.\"""

    def forward(self, x):
        return super().forward(x.movedim(-1, 1)).movedim(1, -1)
"""
POOL = """\
class GlobalAveragePool(nn.Module):
    \"""The mean over height and width.\"""

    def forward(self, x):
        return x.mean((1, 2))
"""
RMS = """\
class RMSNorm(nn.Module):
    \"""The last axes over their root mean square, times a weight.\"""

    def __init__(self, shape, eps=1e-5, affine=True):
        super().__init__()
        self.axes, self.eps = tuple(range(-len(shape), 0)), eps
        self.weight = nn.Parameter(torch.ones(shape)) if affine else None

    def forward(self, x):
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        y = x * torch.rsqrt(x.square().mean(self.axes, keepdim=True) + eps)
        return y if self.weight is None else y * self.weight
"""
CHANNELS_LAST = ("AvgPool1d", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Conv1d", "Conv2d", "Conv3d", "MaxPool1d",
                 "MaxPool2d", "PReLU")  # fmt: skip
CLASSES = {**{name: AROUND.format(name=name) for name in CHANNELS_LAST}, "GlobalAveragePool": POOL, "RMSNorm": RMS}
# Functions that models call, by their text in PyTorch.
FUNCTIONS: dict[Any, str] = {
    pt.relu: "F.relu", pt.tanh: "torch.tanh", pt.sigmoid: "torch.sigmoid", F.gelu: "F.gelu", F.silu: "F.silu",
    F.relu: "F.relu",
}  # fmt: skip
# Modules of no setting, and of settings that are attributes of the same name in both.
PLAIN: dict[type, tuple[str, ...]] = {
    nn.ELU: ("alpha",), nn.Flatten: ("start_dim", "end_dim"), nn.Hardsigmoid: (), nn.Hardswish: (), nn.Identity: (),
    nn.LeakyReLU: ("negative_slope",), nn.LogSoftmax: ("dim",), nn.Mish: (), nn.ReLU: (),
    nn.ReLU6: (), nn.SELU: (), nn.SiLU: (), nn.Sigmoid: (), nn.Softmax: ("dim",),
    nn.Softplus: ("beta", "threshold"), nn.Softsign: (), nn.Tanh: (), nn.GELU: ("approximate",), nn.Dropout: ("p",),
}  # fmt: skip


# What PyTorch takes where a setting is left out.
USUAL: dict[str, object] = {
    "affine": True, "approximate": "none", "bias": True, "bidirectional": False, "ceil_mode": False,
    "count_include_pad": True, "dilation": 1, "dropout": 0.0, "elementwise_affine": True, "end_dim": -1, "eps": 1e-5,
    "groups": 1, "layer_norm_eps": 1e-5, "momentum": 0.1, "num_layers": 1, "padding": 0, "padding_idx": None,
    "padding_mode": "zeros", "start_dim": 1, "stride": 1, "track_running_stats": True,
}  # fmt: skip


def call(name: str, *given: object, **settings: object) -> str:
    """An expression with the settings that are not the usual ones; equal numbers for all axes are one number."""
    told = {key: _one(value) for key, value in settings.items()}
    words = [repr(_one(one)) for one in given]
    words += [f"{key}={value!r}" for key, value in told.items() if key not in USUAL or value != USUAL[key]]
    return f"{name}({', '.join(words)})"


def _one(value: object) -> object:
    return value[0] if isinstance(value, tuple) and value and len(set(value)) == 1 else value


def linear(m: Any) -> str:
    return call("nn.Linear", m.in_features, m.out_features, bias=m.bias is not None)


def convolution(m: Any) -> str:
    return call(
        type(m).__name__, m.in_channels, m.out_channels, m.kernel_size, stride=m.stride, padding=m.padding,
        dilation=m.dilation, groups=m.groups, bias=m.bias is not None, padding_mode=m.padding_mode,
    )  # fmt: skip


def batch_norm(m: Any) -> str:
    return call(
        type(m).__name__, m.num_features, eps=m.eps, momentum=m.momentum, affine=m.affine,
        track_running_stats=m.track_running_stats,
    )  # fmt: skip


def layer_norm(m: Any) -> str:
    affine = m.elementwise_affine
    shape = list(m.normalized_shape) if len(m.normalized_shape) > 1 else m.normalized_shape
    told = {"bias": m.bias is not None} if affine else {}
    return call("nn.LayerNorm", shape, eps=m.eps, elementwise_affine=affine, **told)


def rms_norm(m: Any) -> str:
    return call("RMSNorm", list(m.normalized_shape), eps=m.eps, affine=m.elementwise_affine)


def embedding(m: Any) -> str:
    return call("nn.Embedding", m.num_embeddings, m.embedding_dim, padding_idx=m.padding_idx)


def max_pool(m: Any) -> str:
    given = (m.kernel_size, m.stride, m.padding)
    return call(type(m).__name__, *given, dilation=m.dilation, ceil_mode=m.ceil_mode)


def avg_pool(m: Any) -> str:
    given = (m.kernel_size, m.stride, m.padding)
    return call(type(m).__name__, *given, ceil_mode=m.ceil_mode, count_include_pad=m.count_include_pad)


def recurrent(m: Any) -> str:
    settings = {"nonlinearity": m.nonlinearity} if isinstance(m, nn.RNN) else {}
    projected = {"proj_size": m.proj_size} if m.proj_size else {}
    return call(
        f"nn.{type(m).__name__}", m.input_size, m.hidden_size, num_layers=m.num_layers, bias=m.bias, batch_first=True,
        dropout=m.dropout, bidirectional=m.bidirectional, **settings, **projected,
    )  # fmt: skip


def attention(m: Any) -> str:
    if m.add_bias_kv or m.add_zero_attn or not m.together:
        raise ExportError(
            "[export safetensors] attention with add_bias_kv, add_zero_attn, kdim or vdim; expected the plain form; "
            "leave them out, or export the run to a wheel"
        )
    bias = m.in_proj_bias is not None
    return call("nn.MultiheadAttention", m.embed_dim, m.num_heads, dropout=m.dropout, bias=bias, batch_first=True)


def transformer_layer(m: Any) -> str:
    kind = type(m).__name__
    if m.activation not in (pt.relu, F.gelu):
        raise ExportError(
            f"[export safetensors] a {kind} with an activation of its own; expected relu or gelu; use one of these, or "
            "export the run to a wheel"
        )
    own = m.self_attn
    activation = "relu" if m.activation is pt.relu else "gelu"
    told = {"bias": False} if own.in_proj_bias is None else {}
    given = (own.embed_dim, own.num_heads, m.linear1.out_features, own.dropout)
    return call(
        f"nn.{kind}", *given, activation=activation, layer_norm_eps=m.norm1.eps, batch_first=True,
        norm_first=m.norm_first, **told,
    )  # fmt: skip


def stack(m: Any) -> str:
    """A TransformerEncoder or a TransformerDecoder, whose layers have one form."""
    kind = type(m).__name__
    forms = {layer(one) for one in m.layers}
    norm = "None" if m.norm is None else layer(m.norm)
    if len(forms) != 1 or None in forms or norm is None:
        raise ExportError(
            f"[export safetensors] a {kind} of layers of {len(forms)} forms and {type(m.norm).__name__}; expected "
            "copies of one layer of pt.nn, and a norm of pt.nn or None; use these, or export the run to a wheel"
        )
    # PyTorch's way with padding gives sequences that are shorter than those that came in.
    told = ", enable_nested_tensor=False" if kind == "TransformerEncoder" else ""
    return f"nn.{kind}({forms.pop()}, {m.num_layers}, {norm}{told})"


def transformer(m: Any) -> str:
    if type(m.encoder) is not nn.TransformerEncoder or type(m.decoder) is not nn.TransformerDecoder:
        raise ExportError(
            f"[export safetensors] a Transformer of a {type(m.encoder).__name__} and a {type(m.decoder).__name__}; "
            "expected those of pt.nn; use these, or export the run to a wheel"
        )
    sizes, parts = f"{m.d_model}, {m.nhead}", f"custom_encoder={stack(m.encoder)}, custom_decoder={stack(m.decoder)}"
    return f"nn.Transformer({sizes}, {parts}, batch_first=True)"


LAYERS: dict[type, Callable[[Any], str]] = {
    nn.AvgPool1d: avg_pool, nn.AvgPool2d: avg_pool, nn.BatchNorm1d: batch_norm, nn.BatchNorm2d: batch_norm,
    nn.Conv1d: convolution, nn.Conv2d: convolution, nn.Conv3d: convolution, nn.Embedding: embedding,
    nn.GRU: recurrent, nn.LSTM: recurrent, nn.LayerNorm: layer_norm, nn.Linear: linear, nn.MaxPool1d: max_pool,
    nn.MaxPool2d: max_pool, nn.RMSNorm: rms_norm, nn.RNN: recurrent,
    nn.PReLU: lambda m: call("PReLU", m.num_parameters),
    nn.GlobalAveragePool: lambda m: "GlobalAveragePool()", nn.MultiheadAttention: attention,
    nn.Transformer: transformer, nn.TransformerDecoder: stack, nn.TransformerDecoderLayer: transformer_layer,
    nn.TransformerEncoder: stack, nn.TransformerEncoderLayer: transformer_layer,
}  # fmt: skip


def layer(module: Any) -> str | None:
    """The expression that makes a layer in PyTorch; None where it is none of these."""
    kind = type(module)
    if kind in PLAIN:
        return call(f"nn.{kind.__name__}", **{name: getattr(module, name) for name in PLAIN[kind]})
    return LAYERS[kind](module) if kind in LAYERS else None
