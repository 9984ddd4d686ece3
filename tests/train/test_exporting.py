"""What every export goes through: the program, the inputs that it is compared on, the data that may be gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import ExportError
from powertrain.train.export.comparing import check_set, compare
from powertrain.train.export.trained import TrainedModel
from running import SMALL

MORE = {"batch_size": 16, "verbose": False, "report": {"baseline": False}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "small.toml").write_text(SMALL, encoding="utf-8")
    pt.fit(str(folder / "small.toml"), epochs=2, folder=folder / "small-1", verbose=False)
    return folder / "small-1"


def test_the_program_is_what_predict_computes(trained: Path) -> None:
    """Transforms in front, weights by their names; evaluated op by op it gives the engine's bits."""
    model = TrainedModel(pt.load(trained).run)
    ops = ("add", "matmul", "multiply", "relu", "reshape", "astype", "linear")
    program = model.program(7, ops)
    assert program.graph.values[program.x].shape == (7, 8, 8)
    assert set(program.names.values()) == {"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"}
    functions = {op: pt._core.op_function(op) for op in ops}
    rules = {op: lambda call, *given, f=f: f(*given, **call.attributes) for op, f in functions.items()}
    x = np.random.default_rng(0).normal(size=(7, 8, 8)).astype("float32")
    (got,) = program.graph.evaluate(rules, [pt.asarray(x)], dict(program.graph.constants))
    assert got.numpy().tobytes() == model.predict(x).tobytes()
    behind = model.program(7, ops, transforms=False)
    (got,) = behind.graph.evaluate(rules, [pt.asarray(model.transformed(x))], dict(behind.graph.constants))
    assert got.numpy().tobytes() == model.predict(x).tobytes()


def test_an_op_without_a_rule_is_named_with_the_line_of_the_model(trained: Path) -> None:
    with pytest.raises(ExportError) as caught:
        TrainedModel(pt.load(trained).run).program(1, ("add", "astype", "matmul", "multiply", "reshape"))
    text = str(caught.value)
    assert text.startswith("[export] there is no rule for relu(float32[1, 32]) at ")
    assert "mlp.py:" in text and text.endswith("or export it to a wheel, which holds the run itself")


def test_weights_are_as_they_were_after_a_trace(trained: Path) -> None:
    run = pt.load(trained)
    before = {name: slot.numpy().copy() for name, slot in run.run.table.engine_slots().items()}
    TrainedModel(run.run).program(1, ("add", "astype", "matmul", "multiply", "reshape", "relu"))
    for name, slot in run.run.table.engine_slots().items():
        assert slot.numpy().tobytes() == before[name].tobytes(), name


def test_the_test_part_is_what_is_compared(trained: Path) -> None:
    run = pt.load(trained)
    found = check_set(run.run, run._measured)
    assert found.words == "359 examples of test" and found.x.shape == (359, 8, 8)
    right = TrainedModel(run.run).predict
    near = compare(run.run, found, right, "it")
    assert (near.examples, near.largest) == (359, 0.0) and 0 < near.allowed < 1e-3
    for wrong in (lambda x: right(x) * 1.001, lambda x: right(x)[::-1], lambda x: right(x)[:, :-1]):
        with pytest.raises(ExportError):
            compare(run.run, found, wrong, "it")


def test_data_that_is_gone_is_not_opened(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=draw.normal(size=(96, 5)).astype("float32"), y=np.arange(96) % 3)
    run = pt.fit(
        data={"use": "arrays", "path": str(tmp_path / "data.npz"), "split": {"test": 0.25}},
        model={"use": "mlp", "hidden": [8]}, epochs=2, folder=tmp_path / "run", **MORE,
    )  # fmt: skip
    assert run.export("safetensors", tmp_path / "first").checked == "24 examples of test"
    (tmp_path / "data.npz").unlink()
    made = pt.load(tmp_path / "run").export("safetensors", tmp_path / "second")
    assert made.examples == 64 and made.checked.startswith("64 drawn inputs, since its data cannot be opened: [")
    for one in (tmp_path / "first").iterdir():
        assert one.read_bytes() == (tmp_path / "second" / one.name).read_bytes(), one.name


def test_a_name_is_safe(tmp_path: Path, trained: Path) -> None:
    for given, name in (("2 B.or;not", "run_2_b_or_not"), ("--x*/", "x"), ("É", "run"), ("a" * 200, "a" * 60)):
        shutil.copytree(trained, tmp_path / given)
        assert TrainedModel(pt.load(tmp_path / given).run).name == name
