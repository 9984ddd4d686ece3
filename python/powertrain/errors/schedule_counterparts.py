"""Schedules of Keras, optax and transformers that are spelt otherwise here: a part of counterparts.py."""

from __future__ import annotations

from typing import Final

_COSINE: Final = "schedule=pt.optim.schedules.CosineAnnealingLR(T_max=1000)"
_STEPS: Final = "schedule=pt.optim.schedules.MultiStepLR(milestones=[30, 80])"
_POWER: Final = "schedule=pt.optim.schedules.PolynomialLR(total_iters=1000)"
_FALLING: Final = "schedule=pt.optim.schedules.ExponentialLR(gamma=0.999)"
_WARM: Final = "pt.optim.schedules.LinearLR(0.01, total_iters=100)"
_WARM_THEN: Final = f"schedule=pt.optim.schedules.SequentialLR([{_WARM}, pt.optim.schedules.{{}}], milestones=[100])"

SCHEDULES: Final[dict[str, str]] = {
    "CosineDecay": _COSINE,
    "CosineDecayRestarts": "schedule=pt.optim.schedules.CosineAnnealingWarmRestarts(T_0=1000)",
    "ExponentialDecay": _FALLING,
    "InverseTimeDecay": "schedule=lambda step: 1 / (1 + 0.01 * step)",
    "PiecewiseConstantDecay": _STEPS,
    "PolynomialDecay": _POWER,
    "constant_schedule": "pt.optim.AdamW(model, lr=1e-3)",
    "cosine_decay_schedule": _COSINE,
    "exponential_decay": _FALLING,
    "get_constant_schedule_with_warmup": f"schedule={_WARM}",
    "get_cosine_schedule_with_warmup": _WARM_THEN.format("CosineAnnealingLR(T_max=900)"),
    "get_linear_schedule_with_warmup": _WARM_THEN.format("PolynomialLR(total_iters=900)"),
    "join_schedules": "schedule=pt.optim.schedules.SequentialLR([warmup, decay], milestones=[100])",
    "linear_schedule": "schedule=pt.optim.schedules.LinearLR(total_iters=100)",
    "piecewise_constant_schedule": _STEPS,
    "polynomial_schedule": _POWER,
    "warmup_cosine_decay_schedule": _WARM_THEN.format("CosineAnnealingLR(T_max=900)"),
}
