"""What a script of PyTorch's meets first when it is carried over: each error shows the line to write."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import powertrain as pt
from powertrain.optim import schedules


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: pt.autograd, "pt.custom_gradient(fn) for Function, pt.compile(step) to find a NaN"),  # type: ignore[attr-defined]
        (lambda: pt.utils, "tensorboardX for torch.utils.tensorboard"),  # type: ignore[attr-defined]
        (lambda: pt.testing, "write numpy.testing.assert_allclose(a, b)"),  # type: ignore[attr-defined]
        (lambda: pt.nn.functional_call, "slot.value = tensor"),  # type: ignore[attr-defined]
        (
            lambda: pt.optim.AdamW([{"params": pt.nn.Linear(1, 1), "wd": 0}], lr=0.1),
            "a group with 'wd'; expected params, and optionally lr and weight_decay; write weight_decay",
        ),
        (
            lambda: schedules.SequentialLR([schedules.LinearLR()], milestones=[1, 2]),
            "milestones = [1, 2] for 1 schedule; expected two schedules or more; write SequentialLR([warmup, decay]",
        ),
        (
            lambda: schedules.SequentialLR([schedules.LinearLR()] * 3, milestones=[1]),
            "milestones = [1] for 3 schedules; expected 2 rising numbers of updates, one between each two; write "
            "milestones=[100, 200]",
        ),
        (
            lambda: pt.nn.GRU(2, 3)(pt.ones((4, 5, 2)), np.array([1, 2, 3, 4])),  # type: ignore[arg-type]
            "expected [1, 4, 3], the state at the first step; pass lengths by name: gru(x, lengths=lengths)",
        ),
        (
            lambda: pt.nn.LSTM(2, 3)(pt.ones((4, 5, 2)), [1, 2, 3, 4]),  # type: ignore[arg-type]
            "expected [1, 4, 3] and [1, 4, 3], the state at the first step; pass lengths by name: lstm(x, ",
        ),
    ],
)
def test_what_a_first_port_meets_is_said(asked: Callable[[], object], said: str) -> None:
    with pytest.raises(pt.Error) as caught:
        asked()
    assert said in str(caught.value)
