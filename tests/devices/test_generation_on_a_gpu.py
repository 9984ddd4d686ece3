"""Generation with a cache on a simulated GPU: scores beside the CPU's, and the same bits however tokens come."""

from __future__ import annotations

import numpy as np

import powertrain as pt
from powertrain.builtin.models import GPT
from powertrain.nn.generation.decoders import CachedDecoder
from simulated_gpu import simulated_gpus

DEVICE = simulated_gpus()[0]


def test_a_cache_on_a_gpu() -> None:
    pt.random.seed(3)
    model = GPT(30, 64, GPT.Params(layers=2, heads=2, width=16)).eval()
    for slot in model.parameters():
        slot.value = slot.value * 8.0 if slot.ndim == 2 else slot.value
    tokens = np.random.default_rng(0).integers(0, 30, 20)
    wanted = [CachedDecoder(model, 1, 64).scores([tokens[: place + 1]])[0] for place in (4, 5, 19)]
    there = model.clone().to(DEVICE)
    together = CachedDecoder(there, 2, 64)
    assert str(together._cache.keys[0].device) == DEVICE
    found = [together.scores([tokens[:5], tokens[:2]])[0]]
    found.append(together.scores([tokens[5:6], tokens[2:3]])[0])
    found.append(together.scores([tokens[6:], tokens[3:5]])[0])
    alone = CachedDecoder(there, 1, 64)
    assert alone.scores([tokens])[0].tobytes() == found[2].tobytes()
    for here, other in zip(found, wanted, strict=True):
        # Devices sum in orders of their own.
        np.testing.assert_allclose(here, other, rtol=0, atol=2e-5 * float(np.abs(other).max()))
    settings = {"temperature": 1.0, "top_k": 10, "seed": 2}
    assert (pt.nn.generate(there, tokens, 12, **settings) == pt.nn.generate(model, tokens, 12, **settings)).all()
