"""The workloads in JAX, as one jitted function with its state donated; optimizers by Optax.

Weights lie as JAX's users have them, and as Powertrain has them: linear (in, out), images channels last.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from powertrain.cli.bench.arrays import RESNET_WIDTHS, find
from powertrain.cli.bench.steps import relaid

Parameters = dict[str, Any]
VARIANTS = ("",)
VERSION = f"jax {jax.__version__}"


def linear(p: Parameters, name: str, x: jax.Array) -> jax.Array:
    return x @ p[f"{name}.weight"] + p[f"{name}.bias"]


def layer_norm(p: Parameters, name: str, x: jax.Array) -> jax.Array:
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]


def conv(x: jax.Array, w: jax.Array, stride: int, padding: int) -> jax.Array:
    pads = [(padding, padding), (padding, padding)]
    return jax.lax.conv_general_dilated(x, w, (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def transformer(p: Parameters, x: jax.Array, *, heads: int, causal: bool, tanh: bool) -> jax.Array:
    batch, time, width = x.shape
    layers = sum(name.endswith("qkv.bias") for name in p)
    for i in range(layers):
        block = f"blocks.{i}"
        qkv = linear(p, f"{block}.qkv", layer_norm(p, f"{block}.ln1", x))
        q, k, v = (t.reshape(batch, time, heads, width // heads) for t in jnp.split(qkv, 3, -1))
        mixed = jax.nn.dot_product_attention(q, k, v, is_causal=causal)
        x = x + linear(p, f"{block}.proj", mixed.reshape(batch, time, width))
        hidden = jax.nn.gelu(linear(p, f"{block}.fc", layer_norm(p, f"{block}.ln2", x)), approximate=tanh)
        x = x + linear(p, f"{block}.out", hidden)
    return layer_norm(p, "ln_f", x)


def mlp(p: Parameters, x: jax.Array, activation: Callable[[jax.Array], jax.Array]) -> jax.Array:
    layers = len(p) // 2
    for i in range(layers):
        x = linear(p, f"layers.{i}", x)
        x = activation(x) if i < layers - 1 else x
    return x


def pool(x: jax.Array) -> jax.Array:
    """By a reshape: the gradient of JAX's own pooling scatters, which is slower."""
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


def lenet(p: Parameters, x: jax.Array) -> jax.Array:
    for name in ("conv1", "conv2"):
        x = pool(jax.nn.relu(conv(x, p[f"{name}.weight"], 1, 2) + p[f"{name}.bias"]))
    return linear(p, "fc2", jax.nn.relu(linear(p, "fc1", x.reshape(x.shape[0], -1))))


def gpt(p: Parameters, x: jax.Array, heads: int) -> jax.Array:
    hidden = p["wte.weight"][x] + p["wpe.weight"][: x.shape[1]]
    return transformer(p, hidden, heads=heads, causal=True, tanh=True) @ p["wte.weight"].T


def lstm(p: Parameters, x: jax.Array) -> jax.Array:
    """The products of the inputs for all steps at once, then a scan over time."""
    inputs = p["embedding.weight"][x].swapaxes(0, 1) @ p["lstm.weight_ih_l0"]
    inputs = inputs + p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"]

    def step(state: tuple[jax.Array, jax.Array], gates: jax.Array) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        h, c = state
        i, f, g, o = jnp.split(gates + h @ p["lstm.weight_hh_l0"], 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((x.shape[0], 256), inputs.dtype)
    _, out = jax.lax.scan(step, (zeros, zeros), inputs)
    return linear(p, "head", out.swapaxes(0, 1))


def resnet18(p: Parameters, x: jax.Array, running: Parameters) -> tuple[jax.Array, Parameters]:
    new = {}

    def norm(x: jax.Array, name: str) -> jax.Array:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        count = x.size // x.shape[-1]
        new[f"{name}.mean"] = 0.9 * running[f"{name}.mean"] + 0.1 * mean
        new[f"{name}.var"] = 0.9 * running[f"{name}.var"] + 0.1 * variance * count / (count - 1)
        return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]

    x = jax.nn.relu(norm(conv(x, p["stem.weight"], 1, 1), "stem_norm"))
    for i in range(len(RESNET_WIDTHS)):
        block = f"blocks.{i}"
        strided = f"{block}.shortcut.weight" in p
        shortcut = norm(conv(x, p[f"{block}.shortcut.weight"], 2, 0), f"{block}.shortcut_norm") if strided else x
        y = jax.nn.relu(norm(conv(x, p[f"{block}.conv1.weight"], 2 if strided else 1, 1), f"{block}.bn1"))
        x = jax.nn.relu(norm(conv(y, p[f"{block}.conv2.weight"], 1, 1), f"{block}.bn2") + shortcut)
    return linear(p, "fc", x.mean((1, 2))), new


def vit(p: Parameters, x: jax.Array) -> jax.Array:
    patches = (conv(x, p["patch.weight"], 4, 0) + p["patch.bias"]).reshape(x.shape[0], -1, 192)
    hidden = (
        jnp.concatenate([jnp.broadcast_to(p["cls.weight"], (x.shape[0], 1, 192)), patches], 1) + p["positions.weight"]
    )
    return linear(p, "head", transformer(p, hidden, heads=3, causal=False, tanh=False)[:, 0])


FORWARD: dict[str, Callable[[Parameters, jax.Array], jax.Array]] = {
    "mlp": lambda p, x: mlp(p, x, jax.nn.relu),
    "mlp_tiny": lambda p, x: mlp(p, x, jnp.tanh),
    "mlp_mnist": lambda p, x: mlp(p, x, jax.nn.relu),
    "mlp_big": lambda p, x: mlp(p, x, jax.nn.relu),
    "lenet": lenet,
    "gpt_char": lambda p, x: gpt(p, x, 4),
    "lstm": lstm,
    "gpt2_124m": lambda p, x: gpt(p, x, 12),
    "vit_tiny": vit,
}


def training(name: str, variant: str, precision: str) -> Callable[[], jax.Array]:
    """A function that trains one step and returns its loss; it comes back before the work is done."""
    workload = find(name)
    parameters = {key: jnp.asarray(relaid(key, value, name)) for key, value in workload.weights().items()}
    running: Parameters = {}
    if workload.sgd:
        optimizer = optax.chain(optax.add_decayed_weights(5e-4), optax.sgd(0.1, momentum=0.9))
        for key in [key[:-7] for key in parameters if "norm" in key or "bn" in key if key.endswith(".weight")]:
            running[f"{key}.mean"] = jnp.zeros(parameters[f"{key}.weight"].shape)
            running[f"{key}.var"] = jnp.ones(parameters[f"{key}.weight"].shape)
    else:
        optimizer = optax.adamw(1e-3, weight_decay=0.01)
    dtype = jnp.bfloat16 if precision == "bf16" else jnp.float32

    def loss_of(p: Parameters, running: Parameters, x: jax.Array, y: jax.Array) -> tuple[jax.Array, Parameters]:
        p = {key: value.astype(dtype) for key, value in p.items()}
        x = x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x
        logits, new = resnet18(p, x, running) if workload.sgd else (FORWARD[name.partition(":")[0]](p, x), running)
        return optax.softmax_cross_entropy_with_integer_labels(logits.astype(jnp.float32), y).mean(), new

    @partial(jax.jit, donate_argnums=0)
    def step(state: Any, x: jax.Array, y: jax.Array) -> Any:
        parameters, running, moments = state
        (loss, running), gradients = jax.value_and_grad(loss_of, has_aux=True)(parameters, running, x, y)
        updates, moments = optimizer.update(gradients, moments, parameters)
        return (optax.apply_updates(parameters, updates), running, moments), loss

    state = (parameters, running, optimizer.init(parameters))
    last = [(np.moveaxis(x, 1, -1) if x.ndim == 4 else x, y) for x, y in workload.batches()]
    batches = itertools.cycle([(jnp.asarray(x), jnp.asarray(y)) for x, y in last])

    def train() -> jax.Array:
        nonlocal state
        state, loss = step(state, *next(batches))
        return loss

    return train


def adamw(variant: str, weights: list[Any], gradients: list[Any]) -> Callable[[], Any]:
    optimizer = optax.adamw(1e-3, weight_decay=0.01)
    given = [jnp.asarray(value) for value in gradients]

    @partial(jax.jit, donate_argnums=0)
    def update(state: Any, gradients: Any) -> Any:
        parameters, moments = state
        updates, moments = optimizer.update(gradients, moments, parameters)
        return optax.apply_updates(parameters, updates), moments

    parameters = [jnp.asarray(value) for value in weights]
    state = (parameters, optimizer.init(parameters))

    def step() -> Any:
        nonlocal state
        state = update(state, given)
        return state[0][0]

    return step


def product(variant: str, a: Any, b: Any, turn_a: bool, turn_b: bool, precision: str) -> Callable[[], Any]:
    dtype = jnp.bfloat16 if precision == "bf16" else jnp.float32
    x, y = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
    multiply = jax.jit(lambda x, y: (x.T if turn_a else x) @ (y.T if turn_b else y))
    return lambda: multiply(x, y)


def wait(result: Any) -> None:
    jax.block_until_ready(result)
