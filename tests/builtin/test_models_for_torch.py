"""Each registered model as code of PyTorch: with the same weights it answers as the engine does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.builtin.exporters.torch.code import model_code
from powertrain.conformance.model_twins import batch_of
from powertrain.conformance.models import OF_TOKENS, tasks
from powertrain.plugin import Inputs
from powertrain.plugin.host_model import HostModel
from powertrain.plugin.registry import registry

K = 64  # roundings of the largest answer
# Models that are not tried, and why.
LEFT = {
    "unet": "it takes pictures and how much noise is on them",
    "real-nvp": "its couplings hold arrays that are no parameters",
    "pretrained-llama": "its weights are a package's; the form is that of llama",
    "sentence-classifier": "its weights are a package's",
    "powertrain-template": "a form to fill in",
}


def models() -> list[str]:
    """What the engine and the first-party distributions bring, by name: nothing is imported before a test runs."""
    own = (one for one in registry().plugins("model") if one.distribution.startswith("powertrain"))
    return sorted(one.name for one in own if one.name not in LEFT)


def built(name: str) -> tuple[Any, Inputs]:
    """A model for the first of the usual tasks that it takes, with weights as after a training."""
    plugin: Any = registry().load("model", name)
    if issubclass(plugin, HostModel):
        pytest.skip(f"{name} computes with NumPy")
    params = plugin.Params(**next(iter(plugin.examples), {}))
    for inputs in plugin.example_inputs or [*tasks(), OF_TOKENS]:
        pt.random.seed(5)
        try:
            model = plugin.build(params, inputs)
        except pt.Error:
            continue
        for slot in model.parameters():
            slot.value = slot.value + 0.1 * pt.random.normal(size=slot.shape)
        return model.eval(), inputs
    raise AssertionError(f"{name} takes none of the usual tasks")


@pytest.mark.parametrize("name", models())
def test_a_model_has_code_of_pytorch(name: str) -> None:
    """Where PyTorch is not installed, too."""
    model, _ = built(name)
    compile(model_code(model, "model", [], [], None), "model.py", "exec")


@pytest.mark.peers
@pytest.mark.parametrize("name", models())
def test_a_model_answers_the_same_in_pytorch(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    model, inputs = built(name)
    path = tmp_path / "model.py"
    path.write_text(model_code(model, "model", [], [], None), encoding="utf-8")
    scope: dict[str, Any] = {"__name__": "written", "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
    made = scope["build"]().eval()
    made.load_state_dict({key: torch.as_tensor(value) for key, value in model.state_dict("torch").items()})
    x = batch_of(inputs)
    want = model(pt.asarray(x)).numpy()
    for gradients in (True, False):  # without them PyTorch takes other kernels
        with torch.set_grad_enabled(gradients):
            got = made(torch.as_tensor(x)).detach().numpy()
        assert got.shape == want.shape
        assert (np.abs(got - want) <= K * np.finfo(np.float32).eps * np.abs(want).max()).all()
