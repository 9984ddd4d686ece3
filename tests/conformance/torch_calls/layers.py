"""Layers of PyTorch: images, norms, embeddings, attention. Ours have channels last and weights as (in, out)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import powertrain as pt
import powertrain.nn.functional as F
from conformance.adapter import CALLS, call_of, channels_first, channels_last, offered, sizes
from powertrain.ops.functional import OPERATORS


@call_of("nn.functional.linear")
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    if weight.ndim == 1:
        return pt.matmul(input, weight) if bias is None else pt.matmul(input, weight) + bias
    return F.linear(input, weight.T, bias)


def convolution(axes: int) -> Callable[..., Any]:
    def convolve(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Any:
        if isinstance(padding, str):
            padding = _named_padding(padding, weight.shape[2:], dilation, axes)
        w = pt.permute_dims(weight, (*range(2, axes + 2), 1, 0))
        rest = (sizes(value, axes) for value in (stride, padding, dilation))
        y = OPERATORS[f"conv{axes}d"](channels_last(input, axes), w, bias, *rest, groups)
        return channels_first(y, input.ndim == axes + 2)

    return convolve


def _named_padding(name: str, window: Any, dilation: Any, axes: int) -> tuple[int, ...]:
    reach = [d * (k - 1) for d, k in zip(sizes(dilation, axes), window, strict=True)]
    offered(name == "valid" or all(r % 2 == 0 for r in reach), "padding = 'same' with more behind than before")
    return tuple(0 if name == "valid" else r // 2 for r in reach)


CALLS.update({f"nn.functional.conv{axes}d": convolution(axes) for axes in (1, 2, 3)})


# ------------------------------------------------------------ pooling


def adaptive(op: str, axes: int) -> Callable[..., Any]:
    def pool(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        wanted = (output_size,) * axes if isinstance(output_size, int) else tuple(output_size)
        wanted = tuple(
            old if new is None else new
            for old, new in zip(input.shape[-axes:], wanted * axes if len(wanted) == 1 else wanted, strict=True)
        )
        rest = (return_indices,) if "max" in op else ()
        found = getattr(F, f"{op}{axes}d")(channels_last(input, axes), wanted, *rest)
        batched = input.ndim == axes + 2
        if not return_indices:
            return channels_first(found, batched)
        return tuple(channels_first(part, batched) for part in found)

    return pool


for _axes in (1, 2, 3):
    for _op in ("adaptive_avg_pool", "adaptive_max_pool"):
        CALLS[f"nn.functional.{_op}{_axes}d"] = adaptive(_op, _axes)


# ------------------------------------------------------------ images


@call_of("nn.functional.interpolate")
def interpolate(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: Any = None,
    recompute_scale_factor: Any = None, antialias: bool = False,
) -> Any:  # fmt: skip
    offered(input.ndim == 4, f"{input.ndim - 2} axes of space")
    offered(not antialias, "antialias")
    offered(mode in ("nearest", "bilinear", "bicubic"), f"mode = {mode}")
    factor = None
    if size is None:
        factors = sizes(scale_factor, 2) if isinstance(scale_factor, int) else (scale_factor,) * 2
        factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else factors
        offered(factors[0] == factors[1] or recompute_scale_factor, "two scale_factors")
        factor = None if recompute_scale_factor else factors[0]
        size = [int(old * factor) for old, factor in zip(input.shape[2:], factors, strict=True)]
    y = F.interpolate(channels_last(input, 2), sizes(size, 2), factor, mode, bool(align_corners))
    return channels_first(y, True)


@call_of("nn.functional.grid_sample")
def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    y = F.grid_sample(channels_last(input, input.ndim - 2), grid, mode, padding_mode, bool(align_corners))
    return channels_first(y, True)


@call_of("grid_sampler_2d")
def grid_sampler_2d(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    mode = ("bilinear", "nearest", "bicubic")[interpolation_mode]
    return grid_sample(input, grid, mode, ("zeros", "border", "reflection")[padding_mode], align_corners)


@call_of("grid_sampler_3d")
def grid_sampler_3d(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    return grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners)


@call_of("nn.functional.upsample_bilinear")
def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    return interpolate(input, size, scale_factor, "bilinear", True)


@call_of("nn.functional.upsample_nearest")
def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    return interpolate(input, size, scale_factor, "nearest")


def _shuffle(op: str, input: Any, factor: int) -> Any:
    lead = input.shape[:-3]
    images = pt.reshape(input, (math.prod(lead), *input.shape[-3:]))
    y = pt.moveaxis(OPERATORS[op](channels_last(images, 2), factor), -1, 1)
    return pt.reshape(y, (*lead, *y.shape[1:]))


@call_of("nn.functional.pixel_shuffle")
def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    return _shuffle("pixel_shuffle", input, upscale_factor)


@call_of("nn.functional.pixel_unshuffle")
def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    return _shuffle("pixel_unshuffle", input, downscale_factor)


@call_of("nn.functional.unfold")
def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    window = sizes(kernel_size, 2)
    rest = (sizes(value, 2) for value in (dilation, padding, stride))
    y = F.unfold(channels_last(input, 2), window, *rest)
    n, rows, columns, _ = y.shape
    # Ours has channels within taps, PyTorch's taps within channels.
    split = pt.reshape(y, (n, rows * columns, math.prod(window), -1 if y.size else 0))
    return pt.reshape(pt.permute_dims(split, (0, 3, 2, 1)), (n, y.shape[3], rows * columns))


# ------------------------------------------------------------ norms


@call_of("nn.functional.batch_norm")
def batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    offered(input.ndim > 1, "an input of one axis")
    x = pt.moveaxis(input, 1, -1)
    w = pt.ones((input.shape[1],), input.dtype) if weight is None else weight
    b = pt.zeros((input.shape[1],), input.dtype) if bias is None else bias
    if training:
        return pt.moveaxis(OPERATORS["batch_norm"](x, w, b, eps)[0], -1, 1)
    return pt.moveaxis((x - running_mean) * pt.rsqrt(running_var + eps) * w + b, -1, 1)


@call_of("nn.functional.instance_norm")
def instance_norm(
    input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    offered(use_input_stats, "use_input_stats")
    return pt.moveaxis(OPERATORS["instance_norm"](pt.moveaxis(input, 1, -1), weight, bias, eps), -1, 1)


@call_of("nn.functional.group_norm")
def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    y = OPERATORS["group_norm"](pt.moveaxis(input, 1, -1), weight, bias, eps, num_groups=num_groups)
    return pt.moveaxis(y, -1, 1)


def _rows(input: Any, shape: Any, *scales: Any) -> tuple[Any, ...]:
    """The normalised axes as one."""
    kept = input.shape[: input.ndim - len(shape)]
    flat = (math.prod(shape),)
    return pt.reshape(input, (*kept, *flat)), *(None if s is None else pt.reshape(s, flat) for s in scales)


@call_of("nn.functional.layer_norm")
def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    x, w, b = _rows(input, normalized_shape, weight, bias)
    return pt.reshape(OPERATORS["layer_norm"](x, w, b, eps), input.shape)


@call_of("nn.functional.rms_norm")
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    x, w = _rows(input, normalized_shape, weight)
    w = pt.ones((x.shape[-1],), x.dtype) if w is None else w
    epsilon = {"float32": 2.0**-23, "float64": 2.0**-52}[input.dtype.name] if eps is None else eps
    return pt.reshape(OPERATORS["rms_norm"](x, w, epsilon), input.shape)


@call_of("nn.functional.normalize")
def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    return F.normalize(input, float(p), dim, eps)


@call_of("nn.functional.cosine_similarity")
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    return F.cosine_similarity(x1, x2, dim, eps)


@call_of("nn.functional.pairwise_distance")
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    return F.pairwise_distance(x1, x2, float(p), eps, keepdim)


# ------------------------------------------------------------ embeddings and attention


@call_of("nn.functional.embedding")
def embedding(
    weight: Any, input: Any, padding_idx: Any = None, max_norm: Any = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Any:  # fmt: skip
    # OpInfo has the weight first. `sparse` is how PyTorch stores the gradient.
    offered(max_norm is None, "max_norm")
    return F.embedding(input, weight, padding_idx, scale_grad_by_freq=scale_grad_by_freq)


@call_of("nn.functional.embedding_bag")
def embedding_bag(
    weight: Any, input: Any, offsets: Any = None, *, mode: str = "mean", per_sample_weights: Any = None,
    max_norm: Any = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
    include_last_offset: bool = False, padding_idx: Any = None,
) -> Any:  # fmt: skip
    offered(max_norm is None, "max_norm")
    return F.embedding_bag(
        input, weight, offsets, scale_grad_by_freq=scale_grad_by_freq, mode=mode, per_sample_weights=per_sample_weights,
        include_last_offset=include_last_offset, padding_idx=padding_idx,
    )  # fmt: skip


@call_of("nn.functional.scaled_dot_product_attention")
def attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    offered(attn_mask is None, "attn_mask")
    offered(dropout_p == 0.0, "dropout_p")
    offered(query.shape[-1] == value.shape[-1], "values of another size than keys")
    lead = pt.broadcast_shapes(*(x.shape[:-3] for x in (query, key, value)))
    turned = []
    for x in (query, key, value):
        heads = x if x.ndim > 2 else pt.expand_dims(x, 0)
        whole = pt.broadcast_to(heads, (*lead, *heads.shape[-3:]))
        turned.append(pt.swapaxes(pt.reshape(whole, (math.prod(lead), *heads.shape[-3:])), 1, 2))
    y = pt.swapaxes(OPERATORS["scaled_dot_product_attention"](*turned, is_causal=is_causal, scale=scale), 1, 2)
    return pt.reshape(y, (*lead, *query.shape[-3:-1], value.shape[-1]))
