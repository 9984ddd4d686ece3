"""Models of the engine, of pictures and of texts are made of layers whose gradients by example are quick to get."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_clipping import ROWS, norm, one_by_one, ours

import powertrain as pt
from powertrain.conformance.model_twins import batch_of
from powertrain.conformance.models import OF_TOKENS, tasks
from powertrain.nn import Module, MultiheadAttention
from powertrain.plugin import Inputs
from powertrain.plugin.host_model import HostModel
from powertrain.plugin.registry import registry
from powertrain_privacy import layer_gradients
from powertrain_privacy.layer_gradients import OneByOne, trainable

OF = ("powertrain", "powertrain-privacy", "powertrain-text", "powertrain-vision")
NEED_WEIGHTS = ("pretrained-llama", "sentence-classifier")  # whose form llama and the tests of powertrain-text have
WORDS = next(one for one in tasks() if one.task == "language")


def models() -> list[str]:
    found = (one for one in registry().plugins("model") if one.distribution in OF)
    return sorted(one.name for one in found if one.name not in NEED_WEIGHTS)


def built(name: str, *choices: Inputs) -> tuple[Any, Inputs]:
    """For the first inputs that it takes."""
    plugin: Any = registry().load("model", name)
    params = plugin.Params(**next(iter(plugin.examples), {}))
    for inputs in choices or plugin.example_inputs or [*tasks(), OF_TOKENS]:
        pt.random.seed(5)
        try:
            return plugin.build(params, inputs), inputs
        except pt.Error:
            continue
    raise AssertionError(f"{name} takes none of the usual tasks")


@pytest.mark.parametrize("name", models())
def test_no_model_has_parameters_beside_other_layers(name: str) -> None:
    """Their gradient by example would take one pass more through all of these layers for each example."""
    plugin: Any = registry().load("model", name)
    if issubclass(plugin, HostModel):
        pytest.skip(f"{name} computes with NumPy")
    model, _ = built(name)
    for path, part in model.named_modules():
        if type(part) is MultiheadAttention:  # its parameters have the names of PyTorch's
            continue
        inside = [inner for inner in part.modules() if inner is not part and trainable(inner)]
        assert not (trainable(part) and inside), f"{path or 'the model'}: {', '.join(trainable(part))}"


class Mean(Module):
    """One row of scores for each example: the mean over its places."""

    def __init__(self, body: Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Any) -> Any:
        scores = self.body(x)
        return scores if len(scores.shape) == 2 else pt.mean(pt.tanh(scores), axis=1)


TRANSFORMERS = {"vit": tasks()[0], "gpt": WORDS, "llama": WORDS, "bert": WORDS}


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_transformer_is_clipped_example_by_example(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = TRANSFORMERS[name]
    if name not in models():
        pytest.skip(f"{name} is not installed")
    tried: list[str] = []

    class Noted(OneByOne):
        def __init__(self, layer: Module, *rest: Any) -> None:
            tried.append(type(layer).__name__)
            super().__init__(layer, *rest)

    monkeypatch.setattr(layer_gradients, "OneByOne", Noted)
    model = Mean(built(name, inputs)[0]).eval()
    x, y = batch_of(inputs, ROWS), np.arange(ROWS) % 3
    each = one_by_one(model, x, y)
    norms = [norm(grads) for grads in each]
    clip = float(np.median(norms))
    grads, found = ours(model, x, y, clip)
    np.testing.assert_allclose(found, norms, rtol=2e-5)
    assert set(grads) == {path for path, _ in model.named_parameters()}
    for path, g in grads.items():
        wanted = sum(one[path] * min(1.0, clip / length) for one, length in zip(each, norms, strict=True))
        assert np.linalg.norm(g - wanted) <= 2e-5 * np.linalg.norm(wanted), path
    # Few layers need the gradients themselves.
    assert set(tried) <= {"Conv2d", "LayerNorm", "RMSNorm", "MultiheadAttention"}
