"""What the expressions of eager_cases.py name, for each library: the same numbers, modules and training steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Names = dict[str, Any]


def arrays() -> Names:
    """The small inputs, as NumPy's."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=10).astype("float32") for _ in range(2))
    a, b = (rng.normal(size=(8, 8)).astype("float32") for _ in range(2))
    q = rng.normal(size=(4, 5)).astype("float32")
    shares = np.exp(q) / np.exp(q).sum(-1, keepdims=True)
    return {
        "x": x, "y": y, "a": a, "b": b, "q": q, "shares": shares.astype("float32"),
        "p": rng.uniform(0.1, 0.9, 10).astype("float32"), "h": (x > 0).astype("float32"), "m": x > 0,
        "i": np.arange(10) % 4, "i8": np.arange(8), "o": np.zeros((8, 1), "int64"), "t": np.arange(4),
        "s": np.sort(y), "row": a[:1].copy(), "column": a[:, :1].copy(), "v8": a[0].copy(), "q4": q[:, :4].copy(),
        "w5": rng.normal(size=(5, 3)).astype("float32"), "spd": (a @ a.T + np.eye(8)).astype("float32"),
        "one": np.float32(1.5) * np.ones((), "float32"), "k": np.ones((), "int64"),
        "heads": rng.normal(size=(2, 4, 2, 8)).astype("float32"),
        "image": rng.normal(size=(4, 8, 8, 3)).astype("float32"),
        "line": rng.normal(size=(4, 8, 3)).astype("float32"), "sequence": rng.normal(size=(4, 6, 8)).astype("float32"),
        "images": rng.normal(size=(64, 5)).astype("float32"), "labels": np.arange(64) % 3,
    }  # fmt: skip


def numpy_names() -> Names:
    return {**arrays(), **python_names(), "L": np, "np": np, "w": arrays()["x"].copy()}


def python_names() -> Names:
    return {"numbers": [float(n) for n in range(10)], "rows": [[1.0, 2.0], [3.0, 4.0]], "array": arrays()["x"]}


def modules_of(nn: Any, **batch_first: bool) -> Names:
    """The modules of a library that has PyTorch's names."""
    return {
        "linear": nn.Linear(5, 3), "relu": nn.ReLU(), "gelu": nn.GELU(), "layer_norm": nn.LayerNorm(5),
        "rms_norm": nn.RMSNorm(5), "batch_norm": nn.BatchNorm1d(5), "batch_norm_eval": nn.BatchNorm1d(5).eval(),
        "group_norm": nn.GroupNorm(1, 3), "conv1d": nn.Conv1d(3, 4, 3), "conv2d": nn.Conv2d(3, 4, 3),
        "max_pool": nn.MaxPool2d(2), "flatten": nn.Flatten(), "embedding": nn.Embedding(8, 5),
        "dropout": nn.Dropout(0.5), "dropout_eval": nn.Dropout(0.5).eval(), "softmax": nn.Softmax(-1),
        "sequential": nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)),
        "lstm": nn.LSTM(8, 8, **batch_first), "gru": nn.GRU(8, 8, **batch_first),
        "attention": nn.MultiheadAttention(8, 2, **batch_first),
        "encoder": nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, **batch_first), "mse": nn.MSELoss(),
        "cross_entropy": nn.CrossEntropyLoss(), "bce": nn.BCEWithLogitsLoss(),
    }  # fmt: skip


def powertrain_names() -> Names:
    import powertrain as pt
    import powertrain.nn.functional as F

    pt.set_threads(1)
    nn = pt.nn
    names = {name: pt.tensor(value) for name, value in arrays().items()}
    modules = modules_of(nn)
    model, q, x = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)), names["q"], names["x"]
    labels = pt.tensor(np.arange(4) % 3)
    loss_and_grads = nn.value_and_grad(model, lambda x, t: F.cross_entropy(model(x), t))
    grads = loss_and_grads(q, labels)[1]
    sgd, adam = pt.optim.SGD(model.clone(), lr=1e-9), pt.optim.Adam(model.clone(), lr=1e-9)
    trained = model.clone()
    trained_loss = nn.value_and_grad(trained, lambda x, t: F.cross_entropy(trained(x), t))
    optimizer = pt.optim.SGD(trained, lr=0.01)
    data = pt.data.TensorDataset(names["images"].numpy(), names["labels"].numpy())
    loader = pt.data.DataLoader(data, batch_size=16, shuffle=True)
    of_ops = pt.grad(ten_ops(pt))

    def whole_step() -> Any:
        loss, found = trained_loss(q, labels)
        optimizer.update(found)
        return loss.item()

    return {
        **names, **python_names(), **modules, "L": pt, "F": F, "nn": nn, "np": np, "w": x.copy(),
        "state": modules["sequential"].state_dict(), "gradient_of_ops": lambda: of_ops(x),
        "gradient_of_mlp": lambda: loss_and_grads(q, labels), "step_of_sgd": lambda: sgd.update(grads),
        "step_of_adam": lambda: adam.update(grads), "whole_step": whole_step,
        "one_epoch": lambda: sum(1 for _ in loader), "accuracy": accuracy(q, names["t"]),
    }  # fmt: skip


def ten_ops(library: Any) -> Callable[[Any], Any]:
    def of(x: Any) -> Any:
        y = library.tanh(x * 2.0 + 1.0)
        z = library.exp(-y) * x + library.sin(y)
        return (z * z / (x * x + 1.0)).sum()

    return of


def accuracy(q: Any, labels: Any) -> Callable[[], float]:
    return lambda: float((q.argmax(-1) == labels).sum()) / 4


def torch_names() -> Names:
    import torch
    import torch.nn.functional as F
    from torch import nn

    torch.set_num_threads(1)
    names = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays().items()}
    names["one"], names["k"] = torch.tensor(1.5), torch.tensor(1)
    names["heads"] = names["heads"].transpose(1, 2)
    names["image"] = names["image"].permute(0, 3, 1, 2).contiguous()
    names["line"] = names["line"].transpose(1, 2).contiguous()
    modules = modules_of(nn, batch_first=True)
    for module in modules.values():
        module.requires_grad_(False)  # so that a forward records nothing, as here
    model, q, x = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)), names["q"], names["x"]
    labels = torch.arange(4) % 3
    sgd, adam = torch.optim.SGD(model.parameters(), lr=1e-9), torch.optim.Adam(model.parameters(), lr=1e-9)
    trained = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.01)
    data = torch.utils.data.TensorDataset(names["images"], names["labels"])
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)
    of_ops, watched = ten_ops(torch), x.clone().requires_grad_()
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)

    def gradient_of_mlp() -> Any:
        loss = F.cross_entropy(model(q), labels)
        return loss, torch.autograd.grad(loss, list(model.parameters()))

    def whole_step() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(trained(q), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return {
        **names, **python_names(), **modules, "L": torch, "F": F, "nn": nn, "np": np,
        "w": x.clone(), "state": modules["sequential"].state_dict(),
        "gradient_of_ops": lambda: torch.autograd.grad(of_ops(watched), watched), "gradient_of_mlp": gradient_of_mlp,
        "step_of_sgd": sgd.step, "step_of_adam": adam.step, "whole_step": whole_step,
        "one_epoch": lambda: sum(1 for _ in loader), "accuracy": accuracy(q, names["t"]),
    }  # fmt: skip


LIBRARIES = {"powertrain": powertrain_names, "torch": torch_names, "numpy": numpy_names}
