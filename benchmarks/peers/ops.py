"""Single ops in the peers: `prepare(framework, op, inputs, rest)` returns a function that calls it once.

Arrays are converted, and laid out as the framework likes them, before the clock starts. What is not in a framework's
table has no counterpart that users would call in one line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from race import field

Calls = Mapping[str, Callable[..., Any]]

# Of these every framework has a function of the same name.
SAME = (
    "abs", "add", "ceil", "cos", "divide", "exp", "expm1", "floor", "greater", "less", "log", "log1p", "matmul",
    "maximum", "minimum", "multiply", "negative", "round", "sign", "sin", "sqrt", "square", "subtract", "tanh", "where",
)  # fmt: skip
ACTIVATIONS = ("elu", "leaky_relu", "relu", "sigmoid", "silu", "softplus")


def numpy_calls() -> Calls:
    reductions = ("sum", "mean", "max", "min", "argmax", "argmin", "var")
    return {
        **{name: getattr(np, name) for name in SAME + reductions},
        "linear": lambda x, w, b: x @ w + b,
        "concat": lambda *xs, axis: np.concatenate(xs, axis),
        "embedding": lambda indices, table: table[indices],
        "take": lambda table, indices: table[indices],
    }


def torch_calls() -> Calls:
    import torch
    import torch.nn.functional as F

    def attention(q: Any, k: Any, v: Any, causal: bool = False) -> Any:
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2)

    def over(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x, axis=None: function(x) if axis is None else function(x, dim=axis)

    return {
        **{name: getattr(torch, name) for name in SAME},
        **{name: getattr(F, name) for name in ACTIVATIONS},
        "erf": torch.erf,
        "gelu": lambda x, approximate="none": F.gelu(x, approximate=approximate),
        "softmax": lambda x, axis=-1: F.softmax(x, axis),
        "log_softmax": lambda x, axis=-1: F.log_softmax(x, axis),
        "sum": over(torch.sum),
        "mean": over(torch.mean),
        "max": over(torch.amax),
        "min": over(torch.amin),
        "argmax": over(torch.argmax),
        "argmin": over(torch.argmin),
        "logsumexp": over(torch.logsumexp),
        "linear": lambda x, w, b: torch.addmm(b, x, w),
        "layer_norm": lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b, 1e-5),
        "conv2d": lambda x, w, padding: F.conv2d(x, w, padding=padding),
        "max_pool2d": lambda x, window: F.max_pool2d(x, window),
        "cross_entropy": lambda x, y: F.cross_entropy(x, y, reduction="none"),
        "scaled_dot_product_attention": attention,
        "concat": lambda *xs, axis: torch.cat(xs, axis),
        "embedding": lambda indices, table: F.embedding(indices, table),
        "take": lambda table, indices: F.embedding(indices, table),
    }


def jax_calls() -> Calls:
    import jax
    import jax.numpy as jnp
    import optax

    from peers.jax_steps import conv, pool

    def layer_norm(x: Any, w: Any, b: Any) -> Any:
        mean = x.mean(-1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(jnp.square(x - mean).mean(-1, keepdims=True) + 1e-5) * w + b

    reductions = ("sum", "mean", "max", "min", "argmax", "argmin", "var")
    return {
        **{name: getattr(jnp, name) for name in SAME + reductions},
        **{name: getattr(jax.nn, name) for name in ACTIVATIONS},
        "erf": jax.lax.erf,
        "gelu": lambda x, approximate="none": jax.nn.gelu(x, approximate=approximate == "tanh"),
        "softmax": jax.nn.softmax,
        "log_softmax": jax.nn.log_softmax,
        "logsumexp": jax.nn.logsumexp,
        "linear": lambda x, w, b: x @ w + b,
        "layer_norm": layer_norm,
        "conv2d": lambda x, w, padding: conv(x, w, 1, padding),
        "max_pool2d": lambda x, window: pool(x),
        "cross_entropy": optax.softmax_cross_entropy_with_integer_labels,
        "scaled_dot_product_attention": lambda q, k, v, causal=False: jax.nn.dot_product_attention(
            q, k, v, is_causal=causal
        ),
        "concat": lambda *xs, axis: jnp.concatenate(xs, axis),
        "embedding": lambda indices, table: table[indices],
        "take": lambda table, indices: table[indices],
    }


CALLS: dict[str, Callable[[], Calls]] = {"numpy": numpy_calls, "torch": torch_calls, "jax": jax_calls}


def installed() -> list[str]:
    return [name for name in CALLS if field.installed(name)]


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
