"""Single ops in the peers: `prepare(framework, op, inputs, rest)` returns a function that calls it once.

Arrays are converted, and laid out as the framework likes them, before the clock starts. What is not in a framework's
table has no counterpart that users would call in one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

Calls = Mapping[str, Callable[..., Any]]

# Functions that every framework calls by the same name.
SAME = (
    "abs", "acos", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_xor", "ceil", "copysign",
    "cos", "cosh", "divide", "equal", "exp", "exp2", "expm1", "floor", "floor_divide", "fmod", "greater", "hypot",
    "isfinite", "isnan", "less", "log", "log10", "log1p", "log2", "logaddexp", "logical_and", "logical_not", "matmul",
    "maximum", "minimum", "multiply", "negative", "outer", "pow", "reciprocal", "remainder", "round", "sign", "signbit",
    "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc", "where",
)  # fmt: skip
ACTIVATIONS = (
    "celu", "elu", "hardtanh", "leaky_relu", "logsigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
    "softplus", "softsign",
)  # fmt: skip
REDUCTIONS = ("sum", "mean", "max", "min", "argmax", "argmin", "var", "std", "prod", "any", "all", "count_nonzero")


def of(module: Any, names: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """What a module has of these names: versions differ in a few."""
    return {name: getattr(module, name) for name in names if hasattr(module, name)}


def powertrain_calls() -> Calls:
    import powertrain as pt

    operators: Calls = pt.ops.functional.OPERATORS
    return {
        **operators,
        "concat": lambda *xs, axis: operators["concat"](xs, axis=axis),
        "stack": lambda *xs, axis: operators["stack"](xs, axis=axis),
    }


def numpy_calls() -> Calls:
    return {
        **of(np, (*SAME, *REDUCTIONS, "clip", "flip", "tril", "take_along_axis")),
        "linear": lambda x, w, b: x @ w + b,
        "concat": lambda *xs, axis: np.concatenate(xs, axis),
        "stack": lambda *xs, axis: np.stack(xs, axis),
        "roll": lambda x, shift, axis: np.roll(x, shift, axis),
        "embedding": lambda indices, table: table[indices],
        "take": lambda table, indices: table[indices],
        "cumulative_sum": lambda x, axis: np.cumsum(x, axis),
        "cumulative_prod": lambda x, axis: np.cumprod(x, axis),
        "sort": lambda x: np.sort(x, kind="stable"),
        "argsort": lambda x: np.argsort(x, kind="stable"),
    }


def torch_calls() -> Calls:
    import torch
    import torch.nn.functional as F

    def attention(q: Any, k: Any, v: Any, causal: bool = False) -> Any:
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2)

    def over(function: Callable[..., Any], **more: Any) -> Callable[..., Any]:
        return lambda x, axis=None: function(x, **more) if axis is None else function(x, dim=axis, **more)

    def loss(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x, y: function(x, y, reduction="none")

    return {
        **of(torch, (*SAME, "erf", "erfc", "rsqrt", "lgamma", "digamma", "erfinv", "tril")),
        **of(F, (*ACTIVATIONS, "hardsigmoid", "hardswish")),
        "logsigmoid": F.logsigmoid,
        "equal": torch.eq,
        "gelu": lambda x, approximate="none": F.gelu(x, approximate=approximate),
        "softmax": lambda x, axis=-1: F.softmax(x, axis),
        "log_softmax": lambda x, axis=-1: F.log_softmax(x, axis),
        **{name: over(getattr(torch, name)) for name in ("sum", "mean", "argmax", "argmin", "prod", "any", "all")},
        "max": over(torch.amax),
        "min": over(torch.amin),
        "var": over(torch.var, correction=0),
        "std": over(torch.std, correction=0),
        "count_nonzero": over(torch.count_nonzero),
        "logsumexp": over(torch.logsumexp),
        "linear": lambda x, w, b: torch.addmm(b, x, w),
        "layer_norm": lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b, 1e-5),
        "rms_norm": lambda x, w: F.rms_norm(x, x.shape[-1:], w, 1e-6),
        "conv2d": lambda x, w, padding: F.conv2d(x, w, padding=padding),
        "max_pool2d": lambda x, kernel_size: F.max_pool2d(x, kernel_size),
        **{name: loss(getattr(F, name)) for name in ("cross_entropy", "mse_loss", "l1_loss", "smooth_l1_loss",
                                                     "huber_loss", "binary_cross_entropy_with_logits")},
        "scaled_dot_product_attention": attention,
        "clip": lambda x, min, max: torch.clamp(x, min, max),
        "concat": lambda *xs, axis: torch.cat(xs, axis),
        "stack": lambda *xs, axis: torch.stack(xs, axis),
        "flip": lambda x, axis: torch.flip(x, (axis,)),
        "roll": lambda x, shift, axis: torch.roll(x, shift, axis),
        "take_along_axis": lambda x, indices, axis: torch.take_along_dim(x, indices, axis),
        "embedding": lambda indices, table: F.embedding(indices, table),
        "take": lambda table, indices: F.embedding(indices, table),
        "cumulative_sum": lambda x, axis: torch.cumsum(x, axis),
        "cumulative_prod": lambda x, axis: torch.cumprod(x, axis),
        "sort": lambda x: torch.sort(x, stable=True).values,
        "argsort": lambda x: torch.argsort(x, stable=True),
        "topk": lambda x, k: tuple(torch.topk(x, k)),
    }  # fmt: skip


def jax_calls() -> Calls:
    import jax
    import jax.numpy as jnp
    import optax

    from peers.jax_steps import conv, pool

    def layer_norm(x: Any, w: Any, b: Any) -> Any:
        mean = x.mean(-1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(jnp.square(x - mean).mean(-1, keepdims=True) + 1e-5) * w + b

    def rms_norm(x: Any, w: Any) -> Any:
        return x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + 1e-6) * w

    return {
        **of(jnp, (*SAME, *REDUCTIONS, "clip", "flip", "tril", "take_along_axis")),
        **of(jax.nn, ACTIVATIONS),
        **of(jax.lax, ("erf", "erfc", "rsqrt", "lgamma", "digamma")),
        "erfinv": jax.lax.erf_inv,
        "softsign": jax.nn.soft_sign,
        "logsigmoid": jax.nn.log_sigmoid,
        "hardtanh": jax.nn.hard_tanh,
        "hardsigmoid": jax.nn.hard_sigmoid,
        "hardswish": jax.nn.hard_swish,
        "gelu": lambda x, approximate="none": jax.nn.gelu(x, approximate=approximate == "tanh"),
        "softmax": jax.nn.softmax,
        "log_softmax": jax.nn.log_softmax,
        "logsumexp": jax.nn.logsumexp,
        "linear": lambda x, w, b: x @ w + b,
        "layer_norm": layer_norm,
        "rms_norm": rms_norm,
        "conv2d": lambda x, w, padding: conv(x, w, 1, padding),
        "max_pool2d": lambda x, kernel_size: pool(x),
        "cross_entropy": optax.softmax_cross_entropy_with_integer_labels,
        "mse_loss": lambda x, y: jnp.square(x - y),
        "l1_loss": lambda x, y: jnp.abs(x - y),
        "smooth_l1_loss": optax.huber_loss,
        "huber_loss": optax.huber_loss,
        "binary_cross_entropy_with_logits": optax.sigmoid_binary_cross_entropy,
        "scaled_dot_product_attention": lambda q, k, v, causal=False: jax.nn.dot_product_attention(
            q, k, v, is_causal=causal
        ),
        "concat": lambda *xs, axis: jnp.concatenate(xs, axis),
        "stack": lambda *xs, axis: jnp.stack(xs, axis),
        "roll": lambda x, shift, axis: jnp.roll(x, shift, axis),
        "embedding": lambda indices, table: table[indices],
        "take": lambda table, indices: table[indices],
        "cumulative_sum": lambda x, axis: jnp.cumsum(x, axis),
        "cumulative_prod": lambda x, axis: jnp.cumprod(x, axis),
        "sort": jnp.sort,
        "argsort": jnp.argsort,
        "topk": lambda x, k: tuple(jax.lax.top_k(x, k)),
    }


CALLS: dict[str, Callable[[], Calls]] = {"numpy": numpy_calls, "torch": torch_calls, "jax": jax_calls}


def prepare(framework: str, op: str, inputs: list[Any], rest: dict[str, Any]) -> Callable[[], Any] | None:
    """A function that does the op on these arrays; None where the framework has no such op."""
    call = CALLS[framework]().get(op)
    if call is None:
        return None
    if framework == "numpy":
        return lambda: call(*inputs, **rest)
    if framework == "jax":
        import jax
        import jax.numpy as jnp

        compiled = jax.jit(lambda *xs: call(*xs, **rest))
        arrays = [jnp.asarray(value) for value in inputs]
        return lambda: compiled(*arrays).block_until_ready()
    tensors = [_torch_tensor(value, op, at) for at, value in enumerate(inputs)]
    return lambda: call(*tensors, **rest)


def _torch_tensor(value: Any, op: str, at: int) -> Any:
    """Images as channels-last views of (n, c, h, w), weights of convolutions as (out, in, kh, kw), labels as int64."""
    import torch

    if value.ndim == 4 and op in ("conv2d", "max_pool2d"):
        axes = (3, 2, 0, 1) if at == 1 else (0, 3, 1, 2)
        return torch.from_numpy(value).permute(axes).contiguous(memory_format=torch.channels_last)
    tensor = torch.from_numpy(value)
    return tensor if value.dtype.kind != "i" else tensor.long()


def as_array(framework: str, op: str, result: Any) -> np.ndarray[Any, Any]:
    """A result as NumPy has it, in Powertrain's layout."""
    array = np.asarray(result)
    return np.moveaxis(array, 1, -1) if framework == "torch" and op in ("conv2d", "max_pool2d") else array
