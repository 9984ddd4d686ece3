"""Optimizers as their papers define them, in float64 NumPy: a parameter after gradients, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Definition = Callable[[np.ndarray, list[np.ndarray]], np.ndarray]


def sgd64(
    p: np.ndarray, grads: list[np.ndarray], lr: float, momentum: float, nesterov: bool, decay: float
) -> np.ndarray:
    m = np.zeros_like(p)
    for grad in grads:
        g = grad + decay * p
        m = momentum * m + g
        p = p - lr * (g + momentum * m if nesterov else m)
    return p


def adam64(
    p: np.ndarray, grads: list[np.ndarray], lr: float, decay: float, decoupled: bool, amsgrad: bool = False
) -> np.ndarray:
    m, v, largest = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    for step, grad in enumerate(grads, 1):
        g = grad if decoupled else grad + decay * p
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        largest = np.maximum(largest, v) if amsgrad else v
        move = (m / (1 - 0.9**step)) / (np.sqrt(largest / (1 - 0.999**step)) + 1e-8)
        p = p - lr * (move + (decay * p if decoupled else 0))
    return p


def nadam64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    m, v, product = np.zeros_like(p), np.zeros_like(p), 1.0
    for step, grad in enumerate(grads, 1):
        g = grad + 0.1 * p
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        now, after = (0.9 * (1 - 0.5 * 0.96 ** (t * 4e-3)) for t in (step, step + 1))
        product *= now
        root = np.sqrt(v / (1 - 0.999**step)) + 1e-8
        p = p - 2e-3 * ((1 - now) / (1 - product) * g + after / (1 - product * after) * m) / root
    return p


def radam64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    m, v, longest = np.zeros_like(p), np.zeros_like(p), 2 / (1 - 0.999) - 1
    for step, grad in enumerate(grads, 1):
        g = grad + 0.1 * p
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        length = longest - 2 * step * 0.999**step / (1 - 0.999**step)
        move = m / (1 - 0.9**step)
        if length > 5:
            weight = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            move = move * np.sqrt(weight * (1 - 0.999**step)) / (np.sqrt(v) + 1e-8)
        p = p - 1e-3 * move
    return p


def rmsprop64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    """Centered, with momentum and decay."""
    v, mean, m = (np.zeros_like(p) for _ in range(3))
    for grad in grads:
        g = grad + 0.1 * p
        v, mean = 0.99 * v + 0.01 * g * g, 0.99 * mean + 0.01 * g
        m = 0.9 * m + g / (np.sqrt(v - mean * mean) + 1e-8)
        p = p - 1e-2 * m
    return p


def adagrad64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    v = np.zeros_like(p)
    for step, grad in enumerate(grads):
        g = grad + 0.1 * p
        v = v + g * g
        p = p - 1e-2 / (1 + step * 0.1) * g / (np.sqrt(v) + 1e-10)
    return p


def adadelta64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    v, u = np.zeros_like(p), np.zeros_like(p)
    for grad in grads:
        g = grad + 0.1 * p
        v = 0.9 * v + 0.1 * g * g
        delta = np.sqrt(u + 1e-6) / np.sqrt(v + 1e-6) * g
        u = 0.9 * u + 0.1 * delta * delta
        p = p - 0.3 * delta
    return p


def adamax64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    m, u = np.zeros_like(p), np.zeros_like(p)
    for step, grad in enumerate(grads, 1):
        g = grad + 0.1 * p
        m, u = 0.9 * m + 0.1 * g, np.maximum(0.999 * u, np.abs(g) + 1e-8)
        p = p - 2e-3 / (1 - 0.9**step) * m / u
    return p


def sparse_adam64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    m, v = np.zeros_like(p), np.zeros_like(p)
    for step, g in enumerate(grads, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        p = p - 1e-3 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step) * m / (np.sqrt(v) + 1e-8)
    return p


def adafactor64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    rows: Any = 0.0
    columns: Any = 0.0
    tiny = np.finfo(np.float64).eps

    def root_mean_square(x: np.ndarray) -> float:
        return float(np.sqrt(np.mean(x * x)))

    for step, g in enumerate(grads, 1):
        fresh, rate = step**-0.8, min(0.3, 1 / np.sqrt(step))
        size = max(1e-3, root_mean_square(p)) * rate
        p = p * (1 - 0.3 * 0.1)
        if p.ndim < 2:
            v = rows = rows + fresh * (g * g - rows)
        else:
            rows = rows + fresh * (np.mean(g * g, axis=-1, keepdims=True) - rows)
            columns = columns + fresh * (np.mean(g * g, axis=-2, keepdims=True) - columns)
            v = rows * columns / max(np.mean(rows), tiny)
        u = g / np.sqrt(np.maximum(v, tiny * tiny))
        p = p - size / max(1.0, root_mean_square(u)) * u
    return p


def rprop64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    size, before = np.full_like(p, 1e-3), np.zeros_like(p)
    for grad in grads:
        kept = np.sign(grad * before)
        size = np.clip(size * np.where(kept > 0, 1.2, np.where(kept < 0, 0.5, 1.0)), 1e-6, 50.0)
        g = np.where(kept < 0, 0.0, grad)
        p, before = p - np.sign(g) * size, g
    return p


def asgd64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    for step, grad in enumerate(grads):
        rate = 0.1 / (1 + 1e-2 * 0.1 * step) ** 0.75
        p = p * (1 - 1e-2 * rate) - rate * (grad + 0.1 * p)
    return p


def lion64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    m = np.zeros_like(p)
    for g in grads:
        p = p - 1e-3 * (np.sign(0.9 * m + 0.1 * g) + 0.1 * p)
        m = 0.99 * m + 0.01 * g
    return p


def lars64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    m = np.zeros_like(p)
    for g in grads:
        trust = 0.01 * np.linalg.norm(p) / (np.linalg.norm(g) + 0.1 * np.linalg.norm(p))
        m = 0.9 * m + (g + 0.1 * p) * trust
        p = p - 0.5 * m
    return p


def lamb64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    m, v = np.zeros_like(p), np.zeros_like(p)
    for step, g in enumerate(grads, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        u = m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-6) + 0.1 * p
        p = p - 0.02 * np.linalg.norm(p) / np.linalg.norm(u) * u
    return p


def muon64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    m = np.zeros_like(p)
    for g in grads:
        m = 0.95 * m + 0.05 * g
        step = 0.05 * g + 0.95 * m
        if p.ndim == 2:
            step = step / np.linalg.norm(step)
            for _ in range(5):  # through the singular values, where ours goes through products
                u, s, vt = np.linalg.svd(step, full_matrices=False)
                step = (u * (3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5)) @ vt
            step = step * max(1.0, p.shape[1] / p.shape[0]) ** 0.5
        p = p * (1 - 0.02 * 0.1) - 0.02 * step
    return p


def soap64(p: np.ndarray, grads: list[np.ndarray]) -> np.ndarray:
    """Algorithm 3 of Vyas et al., as their implementation orders its steps: three updates to a step of the basis."""
    m, v = np.zeros_like(p), np.zeros_like(p)
    sides = range(p.ndim if p.ndim == 2 else 0)
    gathered: list[Any] = [0.0 for _ in sides]
    bases: list[Any] = [None for _ in sides]

    def turned(x: np.ndarray, back: bool = False) -> np.ndarray:
        if not sides:
            return x
        left, right = (basis.T if back else basis for basis in bases)
        return np.asarray(left.T @ x @ right)

    for done, g in enumerate(grads):
        if done > 0:
            m, v = 0.95 * m + 0.05 * g, 0.95 * v + 0.05 * turned(g) ** 2
            size = 0.02 * np.sqrt(1 - 0.95**done) / (1 - 0.95**done)
            p = p - size * turned(turned(m) / (np.sqrt(v) + 1e-8), back=True)
            p = p - 0.02 * 0.1 * p
        for side in sides:
            gathered[side] = 0.95 * gathered[side] + 0.05 * (g @ g.T if side == 0 else g.T @ g)
            if done == 0:
                bases[side] = np.linalg.eigh(gathered[side])[1][:, ::-1]
            elif done % 3 == 0:
                basis = bases[side]
                order = np.argsort(-np.diag(basis.T @ gathered[side] @ basis), kind="stable")
                v = np.take(v, order, axis=side)
                bases[side] = np.linalg.qr(gathered[side] @ basis[:, order])[0]
    return p
