"""Small trainings that reach most of the engine, for tests that compare their bits across settings.

Run as a program, it trains each and prints `name hash` lines: one hash over the bytes of every slot at the end and
every loss on the way. Threads and instruction set come from the environment, as they do for a person.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.ops.functional import OPERATORS

Slots = dict[str, Any]
Loss = Callable[[Any, Any], Any]


def slots(rng: np.random.Generator, **shapes: tuple[int, ...]) -> Slots:
    made = {}
    for name, shape in shapes.items():
        fan = int(np.prod(shape[:-1])) if len(shape) > 1 else 1
        value = rng.standard_normal(shape) / np.sqrt(fan) if len(shape) > 1 else rng.standard_normal(shape) * 0.1
        made[name] = pt.Slot(value.astype("float32"), name=name, trainable=True)
    return made


def mlp(rng: np.random.Generator) -> tuple[Slots, Loss, list[tuple[Any, Any]]]:
    p = slots(rng, w1=(20, 300), b1=(300,), w2=(300, 7), b2=(7,))

    def loss(x: Any, y: Any) -> Any:
        hidden = F.dropout(F.gelu(F.linear(x, p["w1"], p["b1"])), 0.1)
        return F.cross_entropy(F.linear(hidden, p["w2"], p["b2"]), y)

    return p, loss, [(rng.standard_normal((129, 20), dtype="float32"), rng.integers(0, 7, 129)) for _ in range(3)]


def convolutions(rng: np.random.Generator) -> tuple[Slots, Loss, list[tuple[Any, Any]]]:
    p = slots(rng, w1=(3, 3, 2, 18), b1=(18,), gamma=(18,), beta=(18,), w2=(3, 3, 18, 5), w3=(80, 4))

    def loss(x: Any, y: Any) -> Any:
        first = F.conv2d(x, p["w1"], p["b1"], padding=1)
        normed, _, _ = OPERATORS["batch_norm"](first, p["gamma"], p["beta"])
        second = F.conv2d(F.max_pool2d(pt.relu(normed), 2), p["w2"], stride=1, padding=1)
        flat = pt.reshape(F.avg_pool2d(second, 2), (x.shape[0], 80))
        return F.cross_entropy(pt.matmul(flat, p["w3"]), y)

    return p, loss, [(rng.standard_normal((9, 16, 16, 2), dtype="float32"), rng.integers(0, 4, 9)) for _ in range(3)]


def transformer(rng: np.random.Generator) -> tuple[Slots, Loss, list[tuple[Any, Any]]]:
    p = slots(rng, table=(37, 48), qkv=(48, 144), proj=(48, 48), up=(48, 96), down=(96, 48))
    p |= slots(rng, g1=(48,), b1=(48,), g2=(48,))

    def loss(x: Any, y: Any) -> Any:
        batch, time = x.shape
        h = F.embedding(x, p["table"])
        q, k, v = (
            pt.reshape(part, (batch, time, 4, 12))
            for part in pt.split(F.linear(OPERATORS["layer_norm"](h, p["g1"], p["b1"]), p["qkv"]), 3, axis=2)
        )
        mixed = OPERATORS["scaled_dot_product_attention"](q, k, v, is_causal=True)
        h = h + pt.matmul(pt.reshape(mixed, (batch, time, 48)), p["proj"])
        h = h + pt.matmul(F.silu(pt.matmul(OPERATORS["rms_norm"](h, p["g2"]), p["up"])), p["down"])
        logits = pt.matmul(h, pt.permute_dims(p["table"], (1, 0)))
        return F.cross_entropy(logits, y)

    return p, loss, [(rng.integers(0, 37, (3, 70)), rng.integers(0, 37, (3, 70))) for _ in range(3)]


def recurrent(rng: np.random.Generator) -> tuple[Slots, Loss, list[tuple[Any, Any]]]:
    p = slots(rng, w_ih=(6, 68), w_hh=(17, 68), b_ih=(68,), b_hh=(68,), head=(17, 3))

    def loss(x: Any, y: Any) -> Any:
        zeros = pt.zeros((x.shape[0], 17))
        out, _, _ = OPERATORS["lstm"](x, zeros, zeros, p["w_ih"], p["w_hh"], p["b_ih"], p["b_hh"])
        return pt.square(pt.matmul(out, p["head"]) - y).mean()

    data = [rng.standard_normal((5, 11, 6), dtype="float32") for _ in range(3)]
    return p, loss, [(x, x[..., :3] * 0.5) for x in data]


def digits(rng: np.random.Generator) -> tuple[Slots, Loss, list[tuple[Any, Any]]]:
    """The network of the recipe of that name: wide enough for threads to share each gradient of weights."""
    p = slots(rng, w1=(3, 3, 1, 32), b1=(32,), w2=(3, 3, 32, 64), b2=(64,), w3=(3, 3, 64, 64), w4=(256, 10))

    def loss(x: Any, y: Any) -> Any:
        first = pt.relu(F.conv2d(x, p["w1"], p["b1"], padding=1))
        second = F.max_pool2d(pt.relu(F.conv2d(first, p["w2"], p["b2"], padding=1)), 2)
        third = F.max_pool2d(pt.relu(F.conv2d(second, p["w3"], padding=1)), 2)
        return F.cross_entropy(pt.matmul(pt.reshape(third, (x.shape[0], 256)), p["w4"]), y)

    return p, loss, [(rng.standard_normal((64, 8, 8, 1), dtype="float32"), rng.integers(0, 10, 64)) for _ in range(3)]


PROGRAMS = {
    "mlp": mlp,
    "convolutions": convolutions,
    "digits": digits,
    "transformer": transformer,
    "recurrent": recurrent,
}


# With a precision behind the name, the forward runs under autocast; with "exact" behind that, alike on every machine.
RUNS = (*PROGRAMS, *(f"{name} bf16 exact" for name in PROGRAMS), "transformer f16")
RUNS_OF_ONE_MACHINE = tuple(f"{name} bf16" for name in PROGRAMS)


def training(name: str) -> tuple[Slots, Callable[[Any, Any], Any], list[tuple[Any, Any]]]:
    """Slots, an uncompiled step that trains them once by Adam with clipping, and batches."""
    pt.random.seed(5)
    name, precision, dots = (*name.split(), *("f32", "hardware")[len(name.split()) - 1 :])
    p, loss, batches = PROGRAMS[name](np.random.default_rng(11))
    parameters = list(p.values())
    flat = pt.flatten_slots(parameters, "p")
    moments = [pt.flat_like(flat, "m"), pt.flat_like(flat, "v")]
    state = {**p, "m": moments[0], "v": moments[1], "random": pt.random.default_generator().slot}

    def step(x: Any, y: Any) -> Any:
        with pt.autocast(precision, dots):
            value, gradients = pt.nn.value_and_grad(parameters, lambda: loss(x, y))()
        g = pt.pack(gradients, flat)
        norm = pt.guard(pt.sqrt(pt.sum(pt.square(pt.astype(g, "float64")))))
        g = g * pt.astype(pt.minimum(0.5 / norm, 1.0), "float32")
        m = moments[0].value * 0.9 + g * 0.1
        v = moments[1].value * 0.999 + pt.square(g) * 0.001
        flat.value = flat.value - 0.01 * m / (pt.sqrt(v) + 1e-8)
        moments[0].value, moments[1].value = m, v
        return value

    return state, step, batches


def run(name: str, *, compiled: bool = True, steps: int = 6) -> str:
    state, step, batches = training(name)
    step = pt.compile(step) if compiled else step
    digest = hashlib.sha256()
    for i in range(steps):
        digest.update(np.asarray(step(*batches[i % len(batches)]).numpy()).tobytes())
    for slot in state.values():
        digest.update(np.ascontiguousarray(slot.numpy()).tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    for program in sys.argv[1:] or RUNS:
        print(program, run(program))
