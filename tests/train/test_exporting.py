"""What every export goes through: the program, the inputs that it is compared on, the data that may be gone."""

from __future__ import annotations

import errno
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

import powertrain as pt
from exported_runs import of_rows
from powertrain.data.transforms import untransformed
from powertrain.plugin import Exporter, ExportError
from powertrain.train.evaluate.predict import model_outputs, transformed
from powertrain.train.export.comparing import PIECE, check_set, compare, pieces
from powertrain.train.export.trained import TrainedModel
from powertrain.train.folder.sample import read_sample
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
    # "in part" without PyTorch, which reads what was written.
    assert run.export("safetensors", tmp_path / "first").checked.removesuffix(", in part") == "24 examples of test"
    (tmp_path / "data.npz").unlink()
    made = pt.load(tmp_path / "run").export("safetensors", tmp_path / "second")
    why = " since its data cannot be opened: ["
    assert made.examples == 24 and made.checked.startswith(f"24 examples that the run kept,{why}")
    (tmp_path / "run" / "sample.safetensors").unlink()
    made = pt.load(tmp_path / "run").export("safetensors", tmp_path / "third")
    assert made.examples == 64 and made.checked.startswith(f"64 drawn inputs,{why}")
    for one in (tmp_path / "first").iterdir():
        for other in ("second", "third"):
            assert one.read_bytes() == (tmp_path / other / one.name).read_bytes(), one.name


def test_few_examples_are_kept_as_the_data_has_them(tmp_path: Path, trained: Path) -> None:
    run = pt.load(trained)
    source = untransformed(run._measured().dataset.splits["test"])
    rows = np.linspace(0, len(source) - 1, 64).astype(np.int64)
    np.testing.assert_array_equal(read_sample(run.run), source.fetch(rows)["x"])
    assert "sample" not in run.run.folder.about()["data"]["parts"]
    wheel = run.export("wheel", tmp_path).path
    with zipfile.ZipFile(wheel) as file:
        assert not [name for name in file.namelist() if "sample" in name]  # they are data, and stay at home
    x = np.zeros((9, 300, 300, 3), np.float32)  # a megabyte each
    large = pt.fit(model="linear", data=(x, np.arange(9) % 2), epochs=1, folder=tmp_path / "large", **MORE)
    assert read_sample(large.run) is None
    none = pt.fit(
        model="linear", data=(x[:, :2, :2], np.arange(9) % 2), epochs=1, folder=tmp_path / "none", verbose=False,
        report={"baseline": False, "sample": 0},
    )  # fmt: skip
    assert read_sample(none.run) is None and not (tmp_path / "none" / "sample.safetensors").exists()


@pytest.mark.parametrize("kept", [
    {"x": np.zeros((4, 9, 9), np.float32)}, {"x": np.zeros((4, 8, 8), np.float64)}, {"y": np.zeros(3)},
    {"x": np.full((4, 8, 8), np.nan, np.float32)}, {"x": np.zeros((0, 8, 8), np.float32)}, None,
], ids=str)  # fmt: skip
def test_examples_that_a_stranger_kept_are_looked_at(kept: Any, tmp_path: Path, trained: Path) -> None:
    shutil.copytree(trained, tmp_path / "run")
    path = tmp_path / "run" / "sample.safetensors"
    path.write_bytes(b"nothing" if kept is None else save(kept))
    with pytest.raises(
        pt.Error, match=r"sample.safetensors\] it holds .*; expected examples that powertrain train kept"
    ):
        read_sample(pt.load(tmp_path / "run").run)


def test_an_output_that_jumps_may_jump_beside_its_threshold_alone(trained: Path) -> None:
    """Where one example of many stands beside a threshold, another one that is wrong is seen all the same."""
    run = pt.load(trained).run
    x = check_set(run, pt.load(trained)._measured)
    real = run.predict
    threshold = float(np.sort(real(x.x * 0.0625)[:, 0])[180])

    def jumps(seen: Any) -> Any:
        return (real(seen) >= threshold).astype(np.float32)

    run.predict = jumps  # type: ignore[method-assign]
    right = np.concatenate([jumps(piece * 0.0625) for piece in pieces(x.x)])
    at = iter(range(0, len(right), PIECE))
    near = compare(run, x, lambda some: right[(first := next(at)) : first + len(some)], "it")
    assert near.largest == 0
    beside = int(np.abs(real(x.x * 0.0625)[:, 0] - threshold).argmin())
    for row, fits in ((beside, True), ((beside + 1) % len(right), False)):
        wrong = right.copy()
        wrong[row, 0] = 1 - wrong[row, 0]
        at = iter(range(0, len(wrong), PIECE))
        if fits:
            assert compare(run, x, lambda some: wrong[(first := next(at)) : first + len(some)], "it").largest == 1  # noqa: B023
        else:
            with pytest.raises(ExportError, match=rf"differs by 1 in row {row} of 359 examples of test"):
                compare(run, x, lambda some: wrong[(first := next(at)) : first + len(some)], "it")  # noqa: B023


@pytest.mark.parametrize("scale", ["log", "log1p", "standardize", "none"])
def test_targets_are_compared_on_the_scale_that_the_model_has(scale: str, tmp_path: Path) -> None:
    """One huge answer does not hide that all others are wrong, and one that no float64 holds is not allowed to be
    anything."""
    run = of_rows({"use": "linear"}, tmp_path / "run", "number", target={"scale": scale}).run
    check = check_set(run, lambda: run)
    right = np.asarray(TrainedModel(run).predict(check.x))
    assert compare(run, check, lambda x: right.astype(np.float32), "it").largest == 0  # as float32 rounds them
    for wrong in (right * 1.02, right + 0.02 * np.abs(right).max(), -right, np.full_like(right, np.inf)):
        with pytest.raises(ExportError, match="which rounding explains"):
            compare(run, check, lambda x: wrong, "it")  # noqa: B023
    if scale in ("log", "log1p"):
        real = run.predict
        run.predict = lambda seen: np.concatenate([np.full((1, 1), 8000, np.float32), real(seen)[1:]])  # type: ignore[method-assign]
        huge = run.dataset.target.original(model_outputs(run, transformed(run, check.x)))
        assert np.isinf(huge[0]).all() and compare(run, check, lambda x: huge, "it").largest == 0
        for wrong in (np.where(np.isinf(huge), 1e300, huge), np.where(np.isinf(huge), huge, 2 * huge)):
            with pytest.raises(ExportError, match="which rounding explains"):
                compare(run, check, lambda x: wrong, "it")  # noqa: B023


def test_a_folder_that_cannot_be_written_is_said(trained: Path) -> None:
    with pytest.raises(ExportError) as caught:
        pt.load(trained).export("c", "/proc/model.h")
    assert str(caught.value) == (
        "[export c] /proc/model.h cannot be written: No such file or directory; expected a folder in which this user "
        "may write, on a disk with room; what was written of it was removed; give another path"
    )


class Full(Exporter):
    """Writes to a disk that is full."""

    def write(self, trained: Any, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def load(self, trained: Any, path: Path) -> Any:
        raise NotImplementedError


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path: Path, trained: Path) -> None:
    with pytest.raises(ExportError, match=r"cannot be written: No space left on device; expected a folder in which"):
        pt.load(trained).export(Full(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_safe(tmp_path: Path, trained: Path) -> None:
    for given, name in (("2 B.or;not", "run_2_b_or_not"), ("--x*/", "x"), ("É", "run"), ("a" * 200, "a" * 60)):
        shutil.copytree(trained, tmp_path / given)
        assert TrainedModel(pt.load(tmp_path / given).run).name == name
