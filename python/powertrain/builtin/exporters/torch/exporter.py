"""The exporter `safetensors`: a folder with weights, the code of the model in PyTorch, and what the data was."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.builtin.exporters.loading import module_of
from powertrain.builtin.exporters.torch.code import model_code
from powertrain.data import Channel, Flatten, Scale, Standardize
from powertrain.io.plain_json import dumps
from powertrain.plugin.exporter import Exporter, ExportError, Runner, Trained
from powertrain.train.deciding.calibrations import LEAST_SHARE, SMALLEST

WEIGHTS, CODE, ABOUT, FITTED = "model.safetensors", "model.py", "model.json", "transforms.safetensors"
Lines = Callable[[Any, int], str]
# What maps x as a transform of the engine does; of the arrays that one has learned, `fitted` holds `NUMBER.NAME`.
TRANSFORMS: dict[type, Lines] = {
    Scale: lambda one, at: f"x = x.float() * {float(one.by)!r}" + (f" + {float(one.shift)!r}" if one.shift else ""),
    Standardize: lambda one, at: (
        f'x = (x - fitted["{at}.mean"]) / torch.where(fitted["{at}.std"] > 0, fitted["{at}.std"], 1.0)'
    ),
    Flatten: lambda one, at: "x = x.flatten(1)",
    Channel: lambda one, at: "x = x.unsqueeze(-1)",
}


LOADED = f'fitted = load_file(Path(folder) / "{FITTED}")'
STANDARDIZED = [
    LOADED,
    'flat = y.double().flatten(1) * fitted["target.deviation"].flatten() + fitted["target.mean"].flatten()',
    "y = flat.reshape(y.shape)",
]
# What calibrates logits y, with the log-odds of each class in float64.
ODDS = [
    LOADED,
    "wide = y.double()",
    "wide = wide - wide.amax(1, keepdim=True)",
    "others = wide.exp() @ (1 - torch.eye(y.shape[1], dtype=torch.float64))",
    f"odds = wide - others.clamp(min={SMALLEST!r}).log()",
]
SHARED = "y = (shares / shares.sum(1, keepdim=True)).log().to(y.dtype)"
CALIBRATIONS: dict[str, Callable[[Any], list[str]]] = {
    "temperature": lambda one: [f"y = y / {one.temperature!r}"],
    "platt": lambda one: [
        *ODDS,
        'shares = torch.sigmoid(odds * fitted["calibration.slopes"] + fitted["calibration.intercepts"])',
        f"shares = shares.clamp(min={SMALLEST!r})",
        SHARED,
    ],
    "isotonic": lambda one: [
        *ODDS,
        'along = (odds[..., None] - fitted["calibration.begins"]) / fitted["calibration.widths"]',
        'rise = (along.clamp(0, 1) * fitted["calibration.rises"]).sum(2)',
        f'shares = (fitted["calibration.first"] + rise).clamp(min={LEAST_SHARE!r})',
        SHARED,
    ],
}
# What brings outputs y back, by the scale of the targets.
TARGETS = {
    "none": [],
    "log": [*STANDARDIZED, "y = y.exp()"],
    "log1p": [*STANDARDIZED, "y = y.expm1()"],
    "standardize": STANDARDIZED,
}


class Safetensors(Exporter):
    """A folder with the weights by PyTorch's names and layouts, `model.py` for PyTorch, and labels as JSON."""

    def filename(self, trained: Trained) -> str:
        return f"{trained.name}-torch"

    def write(self, trained: Trained, path: Path) -> None:
        from safetensors.numpy import load_file, save_file

        model = _model(trained)
        weights = _weights(model)
        lines = _transform_lines(trained)
        margin = None if trained.decision.threshold is None else trained.decision.margin
        # First: what it cannot write leaves nothing behind.
        code = model_code(model, trained.name, lines, _target_lines(trained), margin)
        path.mkdir()
        save_file(weights, path / WEIGHTS, metadata={"format": "pt"})
        if fitted := _fitted(trained):
            save_file(fitted, path / FITTED)
        (path / CODE).write_text(code, encoding="utf-8")
        (path / ABOUT).write_text(dumps(_about(trained), indent=1) + "\n", encoding="utf-8")
        held = load_file(path / WEIGHTS)
        if any(held[name].tobytes() != array.tobytes() for name, array in weights.items()):
            raise ExportError(
                f"[export safetensors] {WEIGHTS} does not read back as it was written; expected the "
                "same bits; try again"
            )

    def load(self, trained: Trained, path: Path) -> Runner | None:
        """`predict` of model.py; without PyTorch, the engine with the weights of the file."""
        known = _transform_lines(trained) is not None
        before: Callable[[NDArray[Any]], NDArray[Any]] = (lambda x: x) if known else trained.transformed
        if importlib.util.find_spec("torch") is None:
            return _in_the_engine(trained, path)
        module = module_of(path / CODE, "powertrain_exported_model")
        return lambda x: np.asarray(module.predict(before(x)))

    def lacks(self, trained: Trained) -> str:
        lines = [] if _transform_lines(trained) is not None else [
            "model.py begins behind the transforms of the data, since it does not know all of them"
        ]  # fmt: skip
        if importlib.util.find_spec("torch") is None:
            lines.append("PyTorch is not installed, so model.py was not run: the engine answered with its weights")
        return "; ".join(lines)


def _model(trained: Trained) -> Any:
    model = trained.model
    if model is None or not any(True for _ in model.named_slots()):
        raise ExportError(
            "[export safetensors] this run does not predict with one module that has weights; expected a model of "
            "layers, whose strategy predicts with it alone; export the run to a wheel"
        )
    return model


def _weights(model: Any) -> dict[str, NDArray[Any]]:
    """The state as PyTorch's module of these names has it, with the buffers that it has alone."""
    weights = dict(model.state_dict("torch"))
    for path, module in model.named_modules():
        for name in module.TORCH_ONLY:
            weights.setdefault(f"{path}.{name}" if path else name, np.zeros((), np.int64))
    return weights


def _transform_lines(trained: Trained) -> list[str] | None:
    """The transforms in PyTorch; None where one of them is of a class that this file does not know."""
    lines = [_line(one, at) for at, one in enumerate(trained.dataset.transforms)]
    if not all(lines):
        return None
    return [LOADED, *lines] if any("fitted" in line for line in lines) else lines


def _line(transform: Any, at: int) -> str:
    """A transform in PyTorch; nothing where neither this file nor its class says it."""
    if type(transform) in TRANSFORMS:
        return TRANSFORMS[type(transform)](transform, at)
    arrays = {name: f'fitted["{at}.{name}"]' for name in transform.state()}
    return transform.TORCH_CALL and f"x = {transform.TORCH_CALL.format(**arrays)}"


def _target_lines(trained: Trained) -> list[str]:
    """The way back to the unit of the targets, or the calibration of classes, in PyTorch."""
    target, calibration = trained.dataset.target, trained.decision.calibration
    if calibration is not None:
        return CALIBRATIONS[calibration.method](calibration)
    return [] if target is None else TARGETS[target.name]


def _fitted(trained: Trained) -> dict[str, NDArray[Any]]:
    """What the transforms have learned, by number and name, the scale of the targets, and the calibration."""
    target, calibration = trained.dataset.target, trained.decision.calibration
    learned = {} if target is None else {f"target.{name}": np.asarray(one) for name, one in target.state().items()}
    arrays = {} if calibration is None else calibration.arrays()
    learned |= {f"calibration.{name}": np.ascontiguousarray(one) for name, one in arrays.items()}
    return learned | {
        f"{at}.{name}": np.asarray(array)
        for at, one in enumerate(trained.dataset.transforms)
        if _line(one, at)
        for name, array in one.state().items()
    }


def _about(trained: Trained) -> Mapping[str, Any]:
    """What the numbers mean. Names come from the data, and stand in JSON alone."""
    data, x = trained.dataset, trained.examples
    return {
        "name": trained.name, "task": data.task, "outputs": data.outputs, "labels": list(data.labels),
        **trained.decision.table(), "columns": list(data.columns),
        "input": {"shape": list(x.shape[1:]), "dtype": str(x.dtype)},
    }  # fmt: skip


def _in_the_engine(trained: Trained, path: Path) -> Runner:
    from safetensors.numpy import load_file

    model = _model(trained).clone()
    model.load_state_dict(load_file(path / WEIGHTS), layout="torch")
    model.eval()
    target = trained.dataset.target

    def answers(x: NDArray[Any]) -> NDArray[Any]:
        outputs = trained.decision.calibrated(np.asarray(model(pt.asarray(trained.transformed(x))).numpy()))
        return outputs if target is None else target.original(outputs)

    return answers
