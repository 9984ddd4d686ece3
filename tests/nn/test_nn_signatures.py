"""The constructors of pt.nn have PyTorch's names in PyTorch's order, but for what stands in these tables."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from powertrain import nn

torch = pytest.importorskip("torch", reason="the peer modules are torch's")
pytestmark = pytest.mark.peers

# PyTorch's settings that are not here, in any class.
ABSENT = {
    "size_average": "replaced by reduction, in PyTorch too",
    "reduce": "replaced by reduction, in PyTorch too",
    "min_value": "replaced by min_val, in PyTorch too",
    "max_value": "replaced by max_val, in PyTorch too",
    "_weight": "private: Embedding.from_pretrained takes a table",
    "_random_samples": "private: nn.functional.fractional_max_pool2d takes them",
    "_freeze": "private: Embedding.from_pretrained has freeze",
}
# Defaults that differ.
DEFAULTS = {
    "batch_first": "True, the one layout there is",
    "dim": "-1 where PyTorch guesses an axis from the number of axes, and warns",
    "activation": "'relu', the name of the function that PyTorch has",
}
# Whose signature PyTorch gives as *args: those of its documentation.
DOCUMENTED = {
    "RNN": "input_size hidden_size num_layers nonlinearity bias batch_first dropout bidirectional device dtype",
    "GRU": "input_size hidden_size num_layers bias batch_first dropout bidirectional device dtype",
    "LSTM": "input_size hidden_size num_layers bias batch_first dropout bidirectional proj_size device dtype",
}
# Ours alone, keyword-only.
OURS = {"generator", "std"}

CLASSES = {name for name in nn.__all__ if inspect.isclass(getattr(nn, name)) and name != "Parameter"}  # a slot's maker
SHARED = sorted(name for name in CLASSES if inspect.isclass(getattr(torch.nn, name, None)))


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return {name: p for name, p in inspect.signature(function).parameters.items() if name != "self"}


def wanted(name: str) -> list[str]:
    if name in DOCUMENTED:
        return DOCUMENTED[name].split()
    found = parameters(getattr(torch.nn, name).__init__).values()
    return [p.name for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name not in ABSENT]


def test_every_module_is_compared() -> None:
    assert len(SHARED) > 120
    alone = CLASSES - set(SHARED)
    generation = {"CacheStep", "GenerationError", "KVCache", "LayerCache", "Written"}
    quantized = {"QuantizedConv2d", "QuantizedLinear"}  # PyTorch has them in torch.ao.nn.quantized
    tokens = {"ClassToken", "PositionEmbedding", "TransformerBlock", "Unembedding"}
    assert alone - generation - quantized - tokens == {"GlobalAveragePool", "SettingError", "StateError"}


@pytest.mark.parametrize("name", SHARED)
def test_names_and_their_order(name: str) -> None:
    ours = parameters(getattr(nn, name).__init__)
    listed = [p.name for p in ours.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    assert [one for one in listed if one not in OURS] == wanted(name)
    theirs = parameters(getattr(torch.nn, name).__init__)
    order = [p.name for p in theirs.values()] if name not in DOCUMENTED else wanted(name)
    by_place = [p.name for p in ours.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    # What has a place here has the same one there: behind a setting that is absent, names alone.
    assert by_place == order[: len(by_place)]
    skipped = next((at for at, one in enumerate(order) if one in ABSENT), len(order))
    assert len(by_place) >= min(skipped, len(wanted(name)))


@pytest.mark.parametrize("name", SHARED)
def test_defaults(name: str) -> None:
    ours, theirs = (parameters(getattr(of, name).__init__) for of in (nn, torch.nn))
    for key, parameter in ours.items():
        if key in theirs and key not in DEFAULTS and key not in ("args", "kwargs"):
            assert parameter.default == theirs[key].default, key


@pytest.mark.parametrize("name", SHARED)
def test_names_of_what_goes_in(name: str) -> None:
    ours, theirs = (list(parameters(getattr(of, name).forward)) for of in (nn, torch.nn))
    if theirs in ([], ["input"], ["x"]) or name in ("Module", "ModuleList", "ModuleDict"):
        assert ours in (["input"], ["args", "kwargs"])
        return
    assert [one for one in ours if one != "lengths"] == theirs
