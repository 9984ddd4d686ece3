"""Small models on a simulated GPU, in both precisions, beside the CPU."""

from __future__ import annotations

import numpy as np
import pytest

from device_models import Convnet, Model, Transformer, losses
from simulated_gpu import simulated_gpus

GPU = simulated_gpus()[0]
STEPS = 5


@pytest.mark.parametrize(("precision", "rtol"), [("f32", 1e-5), ("bf16", 1e-2)])
@pytest.mark.parametrize("make", [Transformer, Convnet])
def test_a_model_trains_there_as_on_the_cpu(make: Model, precision: str, rtol: float) -> None:
    there, here = (losses(make, device, STEPS, precision) for device in (GPU, "cpu"))
    np.testing.assert_allclose(there, here, rtol=rtol)
