"""What is public, found by looking: functions, classes and the methods of their instances."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ClassMethodDescriptorType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.errors.methods import lacking

MODULES = (
    "", "array_api", "builtin.losses", "builtin.models", "data", "data.transforms", "fft", "metrics", "nn", "nn.init",
    "optim", "optim.schedules", "plugin", "random", "recipe", "sklearn", "solvers", "quality", "fairness",
)  # fmt: skip
# The registry runs other people's code, and a loop may be one without end: lines.py has forms that end.
LEFT_OUT = frozenset({"pt.plugin.registry", "pt.get_include", "pt.while_loop", "pt.metrics.State"})
# Arguments of constructors that a parameter's name says nothing about.
MADE = {
    "pt.Tensor": "pt.ones((2, 3))",
    "pt.TrainedRun": "S.trained()",
    "pt.Predictions": "S.trained().predict(S.trained().run.dataset.train.fetch(np.arange(2))['x'])",
    "pt.data.InputFile": "pt.data.InputFile(None)",
    "pt.Slot": "pt.Slot(pt.ones((2, 3)), 's', trainable=True)",
    "pt.nn.Parameter": "pt.nn.Parameter(pt.ones((2, 3)))",
    "pt.RowSparse": "pt.RowSparse(pt.tensor([0, 2]), pt.ones((2, 3)), (4, 3))",
    "pt.data.ArrayDataset": "S.source()",
    "pt.data.BatchSampler": "pt.data.BatchSampler([0, 1, 2], 2, False)",
    "pt.data.BucketBatchSampler": "pt.data.BucketBatchSampler([1, 2, 3], 2, [2, 4])",
    "pt.data.PaddedCollate": "pt.data.PaddedCollate([2, 4])",
    "pt.data.ConcatDataset": "pt.data.ConcatDataset([S.source(), S.source()])",
    "pt.data.RandomSampler": "pt.data.RandomSampler([0, 1, 2])",
    "pt.data.SequentialSampler": "pt.data.SequentialSampler([0, 1, 2])",
    "pt.data.SubsetRandomSampler": "pt.data.SubsetRandomSampler([0, 1, 2])",
    "pt.data.TensorDataset": "pt.data.TensorDataset(np.ones((9, 3)), np.arange(9))",
    "pt.data.WeightedRandomSampler": "pt.data.WeightedRandomSampler([1.0, 2.0], 4)",
    "pt.data.Batch": "S.batch()",
    "pt.data.DataModule": "S.dataset()",
    "pt.data.Draw": "pt.data.Draw(1, 2, S.cursor())",
    "pt.data.DataLoader": "pt.data.DataLoader(S.source(), 4)",
    "pt.data.Mapped": "pt.data.Mapped(S.source(), lambda fields: fields)",
    "pt.data.Standardize": "pt.data.Standardize(np.zeros(3), np.ones(3))",
    "pt.data.Subset": "pt.data.Subset(S.source(), [0, 2])",
    "pt.data.Transformed": "pt.data.Transformed(S.source(), [pt.data.Scale()])",
    "pt.data.Vocabulary": "pt.data.Vocabulary('abc')",
    "pt.data.Windows": "pt.data.Windows(np.arange(20), 4)",
    "pt.data.transforms.Compose": "pt.data.transforms.Compose([pt.data.transforms.ToTensor()])",
    "pt.data.transforms.Normalize": "pt.data.transforms.Normalize(0.5, 0.5)",
    "pt.data.transforms.Pad": "pt.data.transforms.Pad(1)",
    "pt.metrics.ConfusionMatrix": "pt.metrics.ConfusionMatrix(num_classes=3)",
    "pt.builtin.models.CNN": "pt.builtin.models.CNN((8, 8, 3), 4)",
    "pt.nn.AdaptiveAvgPool2d": "pt.nn.AdaptiveAvgPool2d(2)",
    "pt.nn.ClassToken": "pt.nn.ClassToken(4)",
    "pt.nn.GroupNorm": "pt.nn.GroupNorm(1, 3)",
    "pt.nn.ModuleDict": "pt.nn.ModuleDict({'a': pt.nn.Linear(3, 4)})",
    "pt.nn.MultiheadAttention": "pt.nn.MultiheadAttention(4, 2)",
    "pt.nn.PositionEmbedding": "pt.nn.PositionEmbedding(5, 4)",
    "pt.nn.Sequential": "pt.nn.Sequential(pt.nn.Linear(3, 4), pt.nn.ReLU())",
    "pt.nn.TransformerBlock": "pt.nn.TransformerBlock(4, 2)",
    "pt.nn.TransformerDecoder": "pt.nn.TransformerDecoder(pt.nn.TransformerDecoderLayer(4, 2, 8), 2)",
    "pt.nn.TransformerDecoderLayer": "pt.nn.TransformerDecoderLayer(4, 2, 8)",
    "pt.nn.TransformerEncoder": "pt.nn.TransformerEncoder(pt.nn.TransformerEncoderLayer(4, 2, 8), 2)",
    "pt.nn.TransformerEncoderLayer": "pt.nn.TransformerEncoderLayer(4, 2, 8)",
    "pt.nn.Transformer": "pt.nn.Transformer(4, 2, 1, 1, 8)",
    "pt.nn.Unflatten": "pt.nn.Unflatten(1, (1, 3))",
    "pt.optim.LossScale": "pt.optim.LossScale()",
    "pt.optim.ReduceLROnPlateau": "pt.optim.ReduceLROnPlateau(pt.optim.SGD(pt.nn.Linear(3, 4), 0.1))",
    "pt.DType": "pt.float32",
    "pt.nn.Threshold": "pt.nn.Threshold(0.5, 0.0)",
    "pt.nn.AdaptiveLogSoftmaxWithLoss": "pt.nn.AdaptiveLogSoftmaxWithLoss(8, 5, [2])",
    "pt.nn.FractionalMaxPool2d": "pt.nn.FractionalMaxPool2d(2, output_size=2)",
    "pt.nn.FractionalMaxPool3d": "pt.nn.FractionalMaxPool3d(2, output_size=2)",
    "pt.nn.Upsample": "pt.nn.Upsample(scale_factor=2)",
    "pt.nn.UpsamplingBilinear2d": "pt.nn.UpsamplingBilinear2d(scale_factor=2)",
    "pt.nn.UpsamplingNearest2d": "pt.nn.UpsamplingNearest2d(scale_factor=2)",
    "pt.fairness.GroupThresholds": "pt.fairness.fit_thresholds([0.1, 0.9], [0, 1], sensitive_features=[0, 0])",
    "pt.fairness.Mixture": "pt.fairness.Mixture(0.4, 0.6, 0.5)",
    "pt.solvers.LogisticFit": "pt.solvers.fit_logistic(np.eye(4)[:, :3], [0, 1, 0, 1], 2, l2=1.0)",
    "pt.recipe.Duration": "pt.recipe.Duration(3, 'epochs')",
    "pt.recipe.Limit": "pt.recipe.Limit('<', 0.5)",
    "pt.recipe.RunSection": "pt.recipe.RunSection(until=pt.recipe.Duration(3, 'epochs'))",
}  # fmt: skip
# Methods of Python's own classes.
PYTHON_S = (WrapperDescriptorType, MethodDescriptorType, ClassMethodDescriptorType)
# The methods of Python's protocols that an instance is asked by.
ASKED = ("__call__", "__getitem__", "__setitem__", "__contains__", "__array__", "__dlpack__", "__iter__", "__len__")
_BY_NAME = {
    "inputs": "3", "outputs": "4", "groups": "1", "size": "2", "vocabulary": "5", "context": "4", "seed": "1",
    "match": "'*'", "params": "pt.nn.Linear(3, 4)", "model": "pt.nn.Linear(3, 4)", "in_features": "3",
    "out_features": "4", "in1_features": "3", "in2_features": "3", "in_channels": "3", "out_channels": "4",
    "num_features": "3", "num_embeddings": "5", "embedding_dim": "4", "input_size": "3", "hidden_size": "4",
    "kernel_size": "2", "output_size": "2", "norm_type": "2.0", "normalized_shape": "3", "padding": "1",
    "value": "0.0", "stride": "1", "upscale_factor": "2", "downscale_factor": "2",
    "gamma": "0.5", "step_size": "2", "T_0": "3", "base_lr": "0.1", "milestones": "[2]",
    "lr_lambda": "lambda step: 1.0", "schedulers": "[pt.optim.schedules.StepLR(2), pt.optim.schedules.StepLR(3)]",
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """Something that is called: its expression, and the parameters that it says it has, if it says so."""

    expression: str
    parameters: tuple[inspect.Parameter, ...] | None


def _parameters(called: Any) -> tuple[inspect.Parameter, ...] | None:
    try:
        found = tuple(inspect.signature(called).parameters.values())
    except (TypeError, ValueError):
        return None
    return found[1:] if found and found[0].name == "self" else found


def _names(path: str) -> list[str]:
    module = importlib.import_module(f"powertrain.{path}" if path else "powertrain")
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    home = module.__name__
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == home
    )


def public() -> Iterator[tuple[str, Any]]:
    """Every public callable once, with its expression."""
    seen: set[int] = set()
    for path in MODULES:
        for name in _names(path):
            expression = f"pt.{path}.{name}" if path else f"pt.{name}"
            value = functools.reduce(getattr, expression.split(".")[1:], pt)
            is_protocol = getattr(value, "_is_protocol", False)
            if callable(value) and not is_protocol and id(value) not in seen and expression not in LEFT_OUT:
                seen.add(id(value))
                yield expression, value


def instance(expression: str, cls: Any) -> str | None:
    """An expression for an instance of a class; None for a class that makes none by itself."""
    if expression in MADE:
        return MADE[expression]
    if lacking(cls):  # abstract
        return None
    needed = [
        parameter
        for parameter in _parameters(cls) or ()
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    if any(parameter.name not in _BY_NAME for parameter in needed):
        return None
    return f"{expression}({', '.join(_BY_NAME[parameter.name] for parameter in needed)})"


@functools.cache
def subjects() -> tuple[Subject, ...]:
    found: list[Subject] = []
    owners: set[Any] = set()
    for expression, value in public():
        if inspect.isclass(value) and issubclass(value, BaseException):
            continue  # the engine makes them
        found.append(Subject(expression, _parameters(value)))
        if not inspect.isclass(value):
            continue
        made = instance(expression, value)
        if made is None:
            continue
        found += _methods(made, value, owners)
    return tuple(found)


def _methods(made: str, cls: Any, owners: set[Any]) -> Iterator[Subject]:
    """Those that no class before had; a module's forward is what its call is, and never called by itself."""
    for name in dir(cls):
        method = inspect.getattr_static(cls, name)
        own = getattr(method, "__func__", method)
        if isinstance(own, type) or name.endswith("_request"):
            continue  # parameters of a plugin, which a recipe's reader checks; scikit-learn's own methods
        if (name.startswith("_") and name not in ASKED) or not callable(getattr(cls, name)):
            continue
        if name == "forward":
            yield Subject(made, _parameters(getattr(cls, name)))
        elif not isinstance(own, PYTHON_S) and own not in owners:
            owners.add(own)
            yield Subject(f"{made}.{name}", _parameters(getattr(cls, name)))


# ------------------------------------------------------------ small data, called S in the lines


def source() -> Any:
    return pt.data.ArrayDataset(x=np.ones((9, 3), np.float32), y=np.arange(9) % 3)


def dataset() -> Any:
    return pt.data.DataModule("small", "classification", {"train": source()}, 3)


def batch() -> Any:
    return next(iter(pt.data.DataLoader(source(), 4)))


@functools.cache
def trained() -> Any:
    """A run of one epoch, trained once in each process."""
    rows = (np.ones((9, 3), np.float32), np.arange(9) % 3)
    return pt.fit(model=pt.nn.Linear(3, 3), data=rows, epochs=1, batch_size=4, verbose=False)


def cursor() -> Any:
    from powertrain.data.order import Cursor

    return Cursor(0, 0)
