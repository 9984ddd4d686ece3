"""Files that PyTorch writes: the same numbers, and weights that train."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="ONNX is not installed")
pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnxscript", reason="PyTorch exports by onnxscript")

import torch

import powertrain as pt
from powertrain_onnx import load
from powertrain_onnx.checking import K, apart

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class Residual(torch.nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm1 = torch.nn.BatchNorm2d(after)
        self.conv2 = torch.nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm2 = torch.nn.BatchNorm2d(after)
        self.short = torch.nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Any) -> Any:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.short(x))


class Sequence(torch.nn.Module):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(11, 6)
        self.layer = kind(6, 5, num_layers=2, batch_first=True, bidirectional=True)

    def forward(self, x: Any) -> Any:
        return self.layer(self.table(x))[0]


def floats(*shape: int) -> Any:
    return torch.tensor(np.random.default_rng(1).normal(size=shape).astype(np.float32))


def words(*shape: int) -> Any:
    return torch.tensor(np.random.default_rng(1).integers(0, 11, shape))


nn = torch.nn


def small_cnn() -> Any:
    convolutions = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, groups=2), nn.SiLU()]
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def encoder() -> Any:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def resnet() -> Any:
    return nn.Sequential(Residual(3, 4, 1), Residual(4, 6, 2), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(54, 3))


def mlp() -> Any:
    return nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.LayerNorm(8), nn.Dropout(0.1), nn.Linear(8, 3))


def transposed() -> Any:
    return nn.Sequential(nn.ConvTranspose2d(3, 4, 3, 2, 1, 1), nn.PReLU(4), nn.Hardswish())


MODELS: dict[str, tuple[Callable[[], Any], Any]] = {
    "mlp": (mlp, floats(2, 5)),
    "cnn": (small_cnn, floats(2, 3, 12, 12)),
    "resnet": (resnet, floats(2, 3, 12, 12)),
    "transformer": (encoder, floats(2, 5, 8)),
    "lstm": (lambda: Sequence(nn.LSTM), words(2, 7)),
    "gru": (lambda: Sequence(nn.GRU), words(2, 7)),
    "transposed": (transposed, floats(2, 3, 5, 4)),
}


def exported(model: Any, x: Any, path: Path, dynamo: bool) -> None:
    names = {"input_names": ["x"], "output_names": ["y"], "external_data": False} if dynamo else {"input_names": ["x"]}
    more = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if dynamo else {"dynamic_axes": {"x": {0: "batch"}}}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), str(path), dynamo=dynamo, opset_version=18, **names, **more)


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "traced"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_pytorch(name: str, dynamo: bool, tmp_path: Path) -> None:
    make, x = MODELS[name]
    torch.manual_seed(0)
    model = make().eval()
    with torch.no_grad():  # layers begin alike, and equal weights become one in the file
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    for norm in (one for one in model.modules() if isinstance(one, nn.BatchNorm2d)):
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    if dynamo and name in ("lstm", "gru"):
        pytest.skip("PyTorch's new exporter fixes the batch size of recurrent layers")
    exported(model, x, tmp_path / "model.onnx", dynamo)
    ours = load(tmp_path / "model.onnx")
    with torch.no_grad():
        for rows in (2, 5):
            batch = torch.cat([x] * 3)[:rows]
            assert apart(ours(batch.numpy()).numpy(), model(batch).numpy()) <= K
    weights = sum(one.numel() for one in model.parameters())
    found = sum(int(np.prod(slot.shape)) for _, slot in ours.named_parameters())
    assert found >= 0.9 * weights  # norms may be folded into convolutions
    x = pt.asarray(x.numpy())
    before = pt.mean(pt.square(ours(x))).item()
    opt = pt.optim.Adam(ours, lr=1e-2)
    loss_and_gradients = pt.nn.value_and_grad(ours, lambda: pt.mean(pt.square(ours(x))))
    for _ in range(5):
        opt.update(loss_and_gradients()[1])
    assert pt.mean(pt.square(ours(x))).item() < before
