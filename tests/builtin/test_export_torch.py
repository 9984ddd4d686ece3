"""Runs as weights and code of PyTorch: the file reads back, and the code gives the engine's answers."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import powertrain as pt
from exported_runs import DIGITS, of_digits, of_rows, of_text
from powertrain.builtin.exporters.torch.code import _separated, model_code
from powertrain.data import Transform
from powertrain.plugin import ExportError

MODELS: dict[str, dict[str, Any]] = {
    "mlp": {"use": "mlp", "hidden": [16, 8], "activation": "tanh", "dropout": 0.1},
    "linear": {"use": "linear"},
    "cnn": {"use": "cnn", "channels": [6, 5], "hidden": 12, "dropout": 0.2},
    "lenet": {"use": "lenet"},
    "resnet18": {"use": "resnet18"},
    "vit": {"use": "vit", "patch": 2, "layers": 2, "heads": 2, "width": 16},
    "resnet": {"use": "resnet", "widths": [4, 8], "dropout": 0.1},
    "residual-mlp": {"use": "residual-mlp", "width": 9},
    "sequence-cnn": {"use": "sequence-cnn", "channels": [4, 5], "kernels": [5, 3]},
    "sequence-gru": {"use": "sequence-gru"},
}


@pytest.mark.peers
@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_digits(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    if name in ("resnet", "residual-mlp", "sequence-cnn", "sequence-gru"):
        pytest.importorskip("powertrain_vision")
    run = of_digits(MODELS[name], tmp_path / "run", steps=3)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # as in a shell where nobody says otherwise
    made = run.export("safetensors", tmp_path / "out")
    assert made.examples > 350 and made.note == ""
    assert sorted(path.name for path in made.path.iterdir()) == ["model.json", "model.py", "model.safetensors"]
    weights = load_file(tmp_path / "out" / "model.safetensors")
    state = run.model.state_dict("torch")
    assert all(np.array_equal(weights[key], value) for key, value in state.items())


@pytest.mark.peers
@pytest.mark.parametrize("model", [{"use": "gpt", "layers": 2, "heads": 2, "width": 16}, {"use": "lstm", "width": 12}])
def test_a_language_model(model: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    made = of_text(model, tmp_path / "run").export("safetensors", tmp_path / "out")
    assert made.checked.endswith("examples of valid") and made.note == ""


@pytest.mark.peers
def test_a_module_of_layers_and_standardized_rows(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert of_rows({"use": "mlp", "hidden": [8]}, tmp_path / "run").export("safetensors", tmp_path / "a").note == ""
    assert (tmp_path / "a" / "transforms.safetensors").is_file()
    for scale in ("log", "log1p", "standardize"):
        value = of_rows({"use": "linear"}, tmp_path / scale, "number", target={"scale": scale, "unit": "m"})
        assert value.export("safetensors", tmp_path / f"{scale}-out").note == ""
    model = pt.nn.Sequential(
        {"first": pt.nn.Conv1d(3, 4, 3, padding=1), "act": pt.nn.GELU(), "norm": pt.nn.BatchNorm1d(4),
         "pool": pt.nn.MaxPool1d(2), "flat": pt.nn.Flatten(), "last": pt.nn.Linear(16, 2)}
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(32, 8, 3)).astype("float32")
    run = pt.fit(model=model, data=(x, np.arange(32) % 2), epochs=1, verbose=False, report={"baseline": False})
    assert run.export("safetensors", tmp_path / "b").note == ""


@pytest.mark.peers
def test_activations_with_settings(tmp_path: Path) -> None:
    """A slope for each channel, as many as there are places, and a threshold that inputs pass."""
    pytest.importorskip("torch")
    model = pt.nn.Sequential(
        pt.nn.Conv1d(3, 8, 3, padding=1), pt.nn.PReLU(8), pt.nn.Softplus(2.0, 0.5), pt.nn.Flatten(), pt.nn.Linear(64, 2)
    )
    model[1].weight.value = pt.linspace(0.1, 2.0, 8)
    x = np.random.default_rng(0).normal(size=(32, 8, 3)).astype("float32")
    run = pt.fit(model=model, data=(x, np.arange(32) % 2), epochs=1, verbose=False, report={"baseline": False})
    assert run.export("safetensors", tmp_path / "out").note == ""


def test_texts_are_parted_outside_of_quotes() -> None:
    assert list(_separated(r"('a\\', X(1, 2)), ('b\', (c', Y)")) == [r"('a\\', X(1, 2))", r" ('b\', (c', Y)"]
    assert list(_separated(r"a='\\', b=1, c='\\\', d'")) == [r"a='\\'", " b=1", r" c='\\\', d'"]


@pytest.mark.peers
def test_the_code_runs_by_itself(tmp_path: Path) -> None:
    """As a program, in a process that has no powertrain."""
    pytest.importorskip("torch")
    run = of_digits({"use": "cnn", "channels": [4]}, tmp_path / "run")
    run.export("safetensors", tmp_path / "out")
    x = np.random.default_rng(0).integers(0, 17, (3, 8, 8)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import sys; sys.modules['powertrain'] = None; sys.argv = ['model.py', 'x.npy']; "
        "import runpy; runpy.run_path('out/model.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(best) for best in run.predict(x).outputs.argmax(1)]


@pytest.mark.peers
@pytest.mark.parametrize("norm_first", [False, True])
def test_encoder_layers(norm_first: bool, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    encoders = [pt.nn.TransformerEncoderLayer(8, 2, 16, 0.1, "gelu", norm_first=norm_first) for _ in range(2)]
    model = pt.nn.Sequential(*encoders, pt.nn.Flatten(), pt.nn.Linear(40, 3))
    x = np.random.default_rng(0).normal(size=(24, 5, 8)).astype("float32")
    run = pt.fit(model=model, data=(x, np.arange(24) % 3), epochs=1, verbose=False, report={"baseline": False})
    made = run.export("safetensors", tmp_path / "a")
    assert made.examples == 24 and made.note == ""


@pytest.mark.peers
def test_a_stack_of_encoders(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    layer = pt.nn.TransformerEncoderLayer(8, 2, 16, bias=False)
    model = pt.nn.Sequential(
        pt.nn.TransformerEncoder(layer, 2), pt.nn.TransformerEncoder(layer, 1, pt.nn.LayerNorm(8)), pt.nn.Flatten(),
        pt.nn.Linear(40, 3),
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(24, 5, 8)).astype("float32")
    run = pt.fit(model=model, data=(x, np.arange(24) % 3), epochs=1, verbose=False, report={"baseline": False})
    assert run.export("safetensors", tmp_path / "a").note == ""


def test_a_stack_of_other_layers_is_refused() -> None:
    layer = pt.nn.TransformerEncoderLayer(8, 2, 16)
    stack = pt.nn.TransformerEncoder(layer, 2)
    stack.layers[1] = pt.nn.TransformerEncoderLayer(8, 2, 16, norm_first=True)
    with pytest.raises(ExportError, match="layers of 2 forms"):
        model_code(stack, "a", [], [], None)
    whole = pt.nn.Transformer(8, 2, custom_encoder=pt.nn.Linear(8, 8), custom_decoder=pt.nn.Linear(8, 8))
    with pytest.raises(ExportError, match="Transformer of a Linear and a Linear"):
        model_code(whole, "a", [], [], None)


HOSTILE = ('"""\nraise SystemExit\n"""', "'); import os; ('", "\\", "{x}", "\r\n# coding: utf-7\n", "\u202e")


def test_hostile_names_stay_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels and columns of the data are in JSON alone; a part of a model is a name, or a text in quotes."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # as where PyTorch is not installed
    x = np.random.default_rng(0).normal(size=(36, 6)).astype("float32")
    train = pt.data.ArrayDataset(x=x, y=np.arange(36) % 6)
    data = pt.data.DataModule('"""', "classification", {"train": train}, 6, labels=HOSTILE, columns=HOSTILE)
    model = pt.nn.Sequential({HOSTILE[1].replace(".", ""): pt.nn.Linear(6, 6)})
    run = pt.fit(
        model=model, data=data, epochs=1, folder=tmp_path / '"""; import os; """', verbose=False,
        report={"baseline": False},
    )  # fmt: skip
    made = run.export("safetensors", tmp_path / "out")
    assert made.note == "PyTorch is not installed, so model.py was not run: the engine answered with its weights"
    assert made.checked == "36 examples of train, in part"
    assert made.difference <= made.allowed and made.examples == 36
    text = (tmp_path / "out" / "model.py").read_text(encoding="utf-8")
    assert text.startswith('"""import_os: a model') and not set(HOSTILE[:1]) & set(text.splitlines())
    tree = list(ast.walk(ast.parse(text)))
    imported = {alias.name for node in tree if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}
    assert imported == {
        "json",
        "sys",
        "OrderedDict",
        "Path",
        "numpy",
        "torch",
        "torch.nn.functional",
        "load_file",
        "nn",
    }
    assert not [node for node in tree if isinstance(node, ast.Raise)]
    held = [node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert [one for one in HOSTILE if any(one in text for text in held)] == [HOSTILE[1]]  # the name of a part
    about = json.loads((tmp_path / "out" / "model.json").read_text(encoding="utf-8"))
    assert tuple(about["labels"]) == HOSTILE == tuple(about["columns"])


class Own(pt.nn.Module):
    """Layers in an order of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = pt.nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        return self.layer(x)


class Told(Own):
    """The same, whose form in PyTorch is said."""

    TORCH_FORWARD = "def forward(self, x):\n    return self.layer(x)"


def test_a_module_of_ones_own_says_its_form(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    more: dict[str, Any] = {"epochs": 1, "verbose": False, "report": {"baseline": False}}
    with pytest.raises(ExportError) as caught:
        pt.fit(model=Own(), data=(x, np.arange(16) % 2), **more).export("safetensors", tmp_path / "a")
    assert str(caught.value).startswith(
        "[export safetensors] model is a Own, whose form in PyTorch is not known; expected layers of pt.nn"
    )
    # The wheel refuses it too: neither may send to the other.
    assert str(caught.value).endswith('safetensors.numpy.save_file(run.model.state_dict("torch"), path)')
    assert not (tmp_path / "a").exists()
    pt.fit(model=Told(), data=(x, np.arange(16) % 2), **more).export("safetensors", tmp_path / "a")
    assert "class Told(Parts):" in (tmp_path / "a" / "model.py").read_text()


class Doubled(Transform):
    """A transform that no exporter knows."""

    def __call__(self, x: Any) -> Any:
        return np.asarray(x * 2, dtype=np.float32)


class Shifted(Transform):
    """A transform that says its form in PyTorch."""

    TORCH_CALL = "x * {factor} - 1"

    def __call__(self, x: Any) -> Any:
        return np.asarray(x * self.state()["factor"] - 1, dtype=np.float32)

    def state(self) -> dict[str, Any]:
        return {"factor": np.float32([1, 2, 3, 4])}


@pytest.mark.peers
def test_a_transform_that_says_its_form_goes_along(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    run = pt.fit(
        model=pt.nn.Linear(4, 2), data=(x, np.arange(16) % 2), features=[Shifted, "standardize"], epochs=1,
        verbose=False, report={"baseline": False},
    )  # fmt: skip
    made = run.export("safetensors", tmp_path / "a")
    assert made.note == "" and made.examples == 16
    assert '    x = x * fitted["0.factor"] - 1\n' in (made.path / "model.py").read_text()
    assert {"0.factor", "1.mean", "1.std"} <= set(load_file(made.path / "transforms.safetensors"))


def test_a_transform_of_ones_own_stays_in_front(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    run = pt.fit(
        model=pt.nn.Linear(4, 2), data=(x, np.arange(16) % 2), features=[Doubled], epochs=1, verbose=False,
        report={"baseline": False},
    )  # fmt: skip
    assert "begins behind the transforms" in run.export("safetensors", tmp_path / "a").note


def test_what_has_no_weights_is_refused(tmp_path: Path) -> None:
    tables = {**DIGITS, "model": "nearest-mean", "strategy": "fitted", "run": {"until": "1 round"}}
    del tables["optimizer"]
    run = pt.fit(tables, verbose=False)
    with pytest.raises(
        ExportError, match=r"^\[export safetensors\] this run does not predict with one module that has weights"
    ):
        run.export("safetensors", tmp_path / "a")
