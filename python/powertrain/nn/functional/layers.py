"""Normalisations, attention and padding: functions over the ops of these names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from powertrain._core import Error, ShapeError, Slot, Tensor, asarray
from powertrain.nn import checks
from powertrain.nn.functional import drawn
from powertrain.ops.functional import OPERATORS, full

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = [
    "batch_norm", "group_norm", "instance_norm", "layer_norm", "pad", "rms_norm", "scaled_dot_product_attention",
]  # fmt: skip


def _sizes(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


def _rows(where: str, input: Tensor, normalized_shape: int | Sequence[int], parts: dict[str, Any]) -> list[Any]:
    """The input and its parameters with the axes of normalized_shape as one."""
    sizes = _sizes(normalized_shape)
    if not sizes or tuple(input.shape[input.ndim - len(sizes) :]) != sizes:
        raise ShapeError(
            f"[{where}] normalized_shape = {normalized_shape}, input is {list(input.shape)}; expected the last sizes "
            f"of input; for example normalized_shape = {input.shape[-1] if input.ndim else 1}"
        )
    for name, value in parts.items():
        if value is not None and tuple(value.shape) != sizes:
            raise ShapeError(
                f"[{where}] {name} is {list(value.shape)}, normalized_shape = {list(sizes)}; expected one shape; "
                f"reshape {name}"
            )
    if len(sizes) == 1:
        return [input, *parts.values()]
    whole = math.prod(sizes)
    flat = [None if value is None else OPERATORS["reshape"](value, (whole,)) for value in parts.values()]
    return [OPERATORS["reshape"](input, (*input.shape[: input.ndim - len(sizes)], whole)), *flat]


def layer_norm(
    input: TensorLike,
    normalized_shape: int | Sequence[int],
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Each row minus its mean, divided by its standard deviation, then scaled by weight and shifted by bias.

    Shapes    input [..., *normalized_shape], weight and bias of normalized_shape -> that of input
    Source    Ba et al. 2016
    Example
        >>> import powertrain as pt
        >>> pt.nn.functional.layer_norm(pt.ones((2, 4)), 4).shape
        (2, 4)
    """
    input = asarray(input)
    rows = _rows("layer_norm", input, normalized_shape, {"weight": weight, "bias": bias})
    y = OPERATORS["layer_norm"](*rows, eps)
    return y if y.shape == input.shape else OPERATORS["reshape"](y, input.shape)


def rms_norm(
    input: TensorLike, normalized_shape: int | Sequence[int], weight: TensorLike | None = None, eps: float | None = None
) -> Tensor:
    """Each row divided by its root mean square, then scaled by weight; eps is that of the dtype when left out.

    Shapes    input [..., *normalized_shape], weight of normalized_shape -> that of input
    Source    Zhang & Sennrich 2019
    Example
        >>> import powertrain.nn.functional as F
        >>> F.rms_norm(pt.ones((2, 4)), (4,)).shape
        (2, 4)
    """
    input = asarray(input)
    rows, scale = _rows("rms_norm", input, normalized_shape, {"weight": weight})
    if scale is None:
        scale = full((rows.shape[-1],), 1.0, rows.dtype)
    y = OPERATORS["rms_norm"](rows, scale, _EPS.get(input.dtype.name, 2.0**-23) if eps is None else eps)
    return y if y.shape == input.shape else OPERATORS["reshape"](y, input.shape)


_EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


def group_norm(
    input: TensorLike,
    num_groups: int,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Each example's channels in groups, each group minus its mean and divided by its standard deviation.

    Shapes    input [n, ..., c], channels last; weight [c], bias [c] -> [n, ..., c]
    Source    Wu & He 2018
    Example
        >>> import powertrain.nn.functional as F
        >>> F.group_norm(pt.ones((2, 8, 6)), 2).shape
        (2, 8, 6)
    """
    return OPERATORS["group_norm"](input, weight, bias, eps, num_groups=num_groups)


def batch_norm(
    input: TensorLike,
    running_mean: TensorLike | None,
    running_var: TensorLike | None,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel by the mean and variance of the batch in training, else by the running ones.

    In training the running statistics, which are slots, become (1 - momentum) of themselves and momentum of the
    batch's, with the unbiased variance. They may be None in training: then none are kept.

    Shapes    input [..., c], channels last; the others [c] -> [..., c]
    Source    Ioffe & Szegedy 2015
    Example
        >>> import powertrain.nn.functional as F
        >>> F.batch_norm(pt.ones((2, 8, 8, 3)), pt.zeros((3,)), pt.ones((3,))).shape
        (2, 8, 8, 3)
    """
    input = asarray(input)
    kept = {"running_mean": running_mean, "running_var": running_var}
    if not training:
        for name, value in kept.items():
            if value is None:
                raise ShapeError(f"[batch_norm] {name} is None; expected a tensor; or set training=True")
        scale = OPERATORS["rsqrt"](OPERATORS["add"](running_var, eps))
        y = OPERATORS["subtract"](input, running_mean) * (scale if weight is None else scale * weight)
        return y if bias is None else y + bias
    for name, value in kept.items():
        if value is not None and not isinstance(value, Slot):
            raise Error(
                f"[batch_norm] {name} is a tensor; expected a slot, whose value the call updates; write "
                f"{name} = pt.Slot({name}) once"
            )
    width = input.shape[-1] if input.ndim else 1
    count = input.size // max(width, 1)
    if count < 2:
        raise ShapeError(
            f"[batch_norm] one value per channel from {list(input.shape)}; expected at least two to take a variance "
            "of; use a larger batch, or training=False"
        )
    ones, zeros = full((width,), 1.0, input.dtype), full((width,), 0.0, input.dtype)
    y, mean, variance = OPERATORS["batch_norm"](
        input, ones if weight is None else weight, zeros if bias is None else bias, eps
    )
    if isinstance(running_mean, Slot):
        running_mean.value = running_mean * (1 - momentum) + mean * momentum
    if isinstance(running_var, Slot):
        running_var.value = running_var * (1 - momentum) + variance * (momentum * count / (count - 1))
    return y


def instance_norm(
    input: TensorLike,
    running_mean: TensorLike | None = None,
    running_var: TensorLike | None = None,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    use_input_stats: bool = True,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each example minus its mean, divided by its standard deviation; by running ones where asked for.

    Shapes    input [n, ..., c], channels last; the others [c] -> [n, ..., c]
    Source    Ulyanov et al. 2016
    Example
        >>> import powertrain.nn.functional as F
        >>> F.instance_norm(pt.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, eps=eps)
    if running_mean is not None or running_var is not None:
        raise Error(
            "[instance_norm] received running statistics; expected None with use_input_stats=True, which keeps none; "
            "leave them out"
        )
    return OPERATORS["instance_norm"](input, weight, bias, eps)


def scaled_dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    attn_mask: TensorLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(scale query key^T + mask) value per head; scale is 1 / sqrt(d) when left out.

    Time comes before heads, unlike in PyTorch. A bool mask is True where a key counts; another one is added. Without
    a mask and without dropout the matrix of all queries and keys is never made.

    Shapes    query [b, t, h, d], key [b, s, g, d], value [b, s, g, d], attn_mask broadcasts to [b, h, t, s]
              -> [b, t, h, d]; g divides h, and h / g neighbouring heads share one of key and value
    Errors    other shapes; attn_mask together with is_causal; dropout_p outside 0 <= p < 1
    Source    Vaswani et al. 2017
    Example
        >>> import powertrain as pt
        >>> x = pt.ones((1, 5, 2, 8))
        >>> pt.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True).shape
        (1, 5, 2, 8)
    """
    checks.share("scaled_dot_product_attention", dropout_p, "dropout_p")
    if attn_mask is None and dropout_p == 0:
        return OPERATORS["scaled_dot_product_attention"](query, key, value, is_causal, scale)
    if attn_mask is not None and is_causal:
        raise Error(
            "[scaled_dot_product_attention] received attn_mask and is_causal=True; expected one of them; put the later "
            "keys into the mask"
        )
    query, key, value = asarray(query), asarray(key), asarray(value)
    for name, one in {"query": query, "key": key, "value": value}.items():
        if one.ndim != 4:
            raise ShapeError(
                f"[scaled_dot_product_attention] {name} is {list(one.shape)}; expected [batch, time, heads, size]; "
                "reshape it"
            )
    return _attended(query, key, value, attn_mask, dropout_p, is_causal, scale)


def _attended(
    query: Tensor, key: Tensor, value: Tensor, mask: Any, p: float, is_causal: bool, scale: float | None
) -> Tensor:
    """Attention by the matrix of all queries and keys."""
    if key.shape[2] and key.shape[2] != query.shape[2] and query.shape[2] % key.shape[2] == 0:
        times = query.shape[2] // key.shape[2]
        key, value = (OPERATORS["repeat"](one, times, 2) for one in (key, value))
    q, k, v = (OPERATORS["permute_dims"](one, (0, 2, 1, 3)) for one in (query, key, value))
    size = 1 / math.sqrt(max(query.shape[-1], 1)) if scale is None else scale
    scores = OPERATORS["matmul"](q * size, OPERATORS["matrix_transpose"](k))
    if is_causal:
        queries, keys = scores.shape[-2:]
        ones = full((queries, keys), 1, "int32")
        mask = OPERATORS["equal"](OPERATORS["tril"](ones, keys - queries), 1)
    if mask is not None:
        mask = asarray(mask)
        if mask.dtype.name == "bool":
            scores = OPERATORS["where"](mask, scores, -math.inf)
        else:
            scores = scores + OPERATORS["astype"](mask, scores.dtype)
    shares = drawn.dropout(OPERATORS["softmax"](scores), p)
    return OPERATORS["permute_dims"](OPERATORS["matmul"](shares, v), (0, 2, 1, 3))


_PADDING = ("constant", "reflect", "replicate", "circular")


def pad(input: TensorLike, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """input with elements more around it: pad holds (before, after) of the last axis, then of the one before it, ...

    That is PyTorch's order. Images are channels-last here, so their channels come first in it: (0, 0, 2, 2, 2, 2) is
    two pixels on each side of an image. `mode` is "constant", "reflect", "replicate" or "circular". A number below 0
    removes elements.

    Shapes    input [..., a, b], pad (b0, b1, a0, a1) -> [..., a0 + a + a1, b0 + b + b1]
    Errors    an odd number of numbers, or more than two per axis; another mode; a value with a mode other than constant
    Source    PyTorch, nn.functional.pad
    Example
        >>> import powertrain as pt
        >>> pt.nn.functional.pad(pt.ones((1, 2)), (1, 0)).numpy().tolist()
        [[0.0, 1.0, 1.0]]
    """
    checks.choice("pad", _PADDING, mode=mode)
    input = asarray(input)
    sides = [int(side) for side in pad]
    if len(sides) % 2 or len(sides) > 2 * input.ndim:
        raise ShapeError(
            f"[pad] pad = {tuple(pad)}, input is {list(input.shape)}; expected (before, after) for each of at most "
            f"{input.ndim} axes, the last one first; for example pad = (1, 1)"
        )
    if value is not None and mode != "constant":
        raise Error(f"[pad] value = {value}, mode = {mode!r}; expected it with mode 'constant' alone; leave it out")
    rest = [0] * (input.ndim - len(sides) // 2)
    before, after = rest + sides[0::2][::-1], rest + sides[1::2][::-1]
    if any(side < 0 for side in sides):
        start = [max(-side, 0) for side in before]
        stop = [size - max(-side, 0) for size, side in zip(input.shape, after, strict=True)]
        input = OPERATORS["slice"](input, start, stop)
        before, after = [max(side, 0) for side in before], [max(side, 0) for side in after]
    return OPERATORS["pad"](input, before, after, 0.0 if value is None else value, mode)
