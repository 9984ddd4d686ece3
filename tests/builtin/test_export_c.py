"""Runs as C: compiled without a warning, with the engine's answers on the whole test part."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from c_library import COMPILER
from exported_runs import DIGITS, of_digits, of_rows
from page_blocks import ROOT, blocks
from powertrain.builtin.exporters.c.buffers import Buffers
from powertrain.builtin.exporters.c.header import OPS
from powertrain.builtin.exporters.c.writing import Walk, number, quoted, strides
from powertrain.plugin import ExportError

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")

MODELS: dict[str, dict[str, Any]] = {
    "mlp": {"use": "mlp", "hidden": [16, 8], "activation": "gelu"},
    "cnn": {"use": "cnn", "channels": [6, 5], "hidden": 12, "dropout": 0.2},
    "cnn-without-norm": {"use": "cnn", "channels": [4], "kernel": 5, "norm": False},
    "lenet": {"use": "lenet"},
    "linear": {"use": "linear"},
    "vit": {"use": "vit", "patch": 2, "layers": 1, "heads": 2, "width": 16},
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_digits(name: str, tmp_path: Path) -> None:
    run = of_digits(MODELS[name], tmp_path / "run", steps=8)
    made = run.export("c", tmp_path / "model.h")
    assert made.checked.endswith("examples of test") and made.examples > 350
    assert (
        made.difference <= made.allowed < 1e-3 * max(1.0, float(np.abs(run.predict(np.zeros((1, 8, 8))).outputs).max()))
    )


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "silu"])
def test_a_table(activation: str, tmp_path: Path) -> None:
    run = of_rows({"use": "mlp", "hidden": [8], "activation": activation}, tmp_path / "run")
    assert run.export("c", tmp_path / "a.h").examples == 60
    scale = {"relu": "standardize", "tanh": "log1p", "sigmoid": "log", "silu": "none"}[activation]
    value = of_rows({"use": "linear"}, tmp_path / "value", "number", target={"scale": scale, "unit": "m"})
    assert value.export("c", tmp_path / "b.h").examples == 60
    assert "b_class" not in (tmp_path / "b.h").read_text() and "value_class" not in (tmp_path / "b.h").read_text()


def test_k_means(tmp_path: Path) -> None:
    pytest.importorskip("powertrain_tabular")
    tables = {**DIGITS, "strategy": {"use": "k-means", "clusters": 5}, "run": {"until": "3 rounds"}}
    del tables["optimizer"]
    run = pt.fit(tables, folder=tmp_path / "run", verbose=False)
    assert run.export("c", tmp_path / "a.h").examples > 350


class Hyperbolic(pt.nn.Module):
    def forward(self, x: Any) -> Any:
        return pt.asinh(x) + pt.acosh(1 + pt.abs(x)) + pt.atanh(x / (1 + pt.abs(x)))


class Places(pt.nn.Module):
    """Rows that other numbers choose, from the front and from behind; the columns are broadcast."""

    def forward(self, x: Any) -> Any:
        return pt.take_along_axis(x, pt.astype(x[:, :4, :1] > 0, "int64") * 3 - 2, axis=1)


MODULES: dict[str, Any] = {
    "groups": lambda: (pt.nn.Conv2d(1, 4, 3, padding=1), pt.nn.ReLU(), pt.nn.Conv2d(4, 6, 3, stride=2, groups=2)),
    "dilation": lambda: (pt.nn.Conv2d(1, 3, (3, 2), dilation=2), pt.nn.Tanh(), pt.nn.BatchNorm2d(3)),
    "padded-pool": lambda: (pt.nn.MaxPool2d(3, 2, padding=1), pt.nn.AvgPool2d(2, 1, padding=1)),
    "average": lambda: (pt.nn.AvgPool2d(3, 2, padding=1, count_include_pad=False, ceil_mode=True),),
    "norms": lambda: (pt.nn.Conv2d(1, 4, 3), pt.nn.GroupNorm(2, 4), pt.nn.LayerNorm(4), pt.nn.Softmax()),
    "activations": lambda: (pt.nn.ELU(), pt.nn.Softplus(), pt.nn.Hardswish(), pt.nn.LeakyReLU(), pt.nn.Mish()),
    "hyperbolic": lambda: (pt.nn.Conv2d(1, 2, 3), Hyperbolic()),
    "places": lambda: (pt.nn.Conv2d(1, 2, 3), Places()),
    "same": lambda: (pt.nn.Conv2d(1, 2, 4, padding="same"), pt.nn.SELU(), pt.nn.Softsign()),
}


@pytest.mark.parametrize("name", MODULES)
def test_layers(name: str, tmp_path: Path) -> None:
    pt.random.seed(4)
    layers = MODULES[name]()
    x = np.random.default_rng(0).normal(size=(48, 9, 8, 1)).astype("float32")
    flat = pt.nn.Sequential(*layers, pt.nn.Flatten())(pt.asarray(x)).shape[1]
    model = pt.nn.Sequential(*layers, pt.nn.Flatten(), pt.nn.Linear(flat, 3))
    run = pt.fit(model=model, data=(x, np.arange(48) % 3), epochs=1, verbose=False, report={"baseline": False})
    assert run.export("c", tmp_path / "a.h").examples == 48


MAIN = """\
#include <stdio.h>
#define RUN_IMPLEMENTATION
#include "run.h"

int main(void) {
    float x[RUN_INPUTS], y[RUN_OUTPUTS];
    while (fread(x, sizeof(float), RUN_INPUTS, stdin) == RUN_INPUTS) {
        run_predict(x, y);
        puts(run_labels[run_class(y)]);
    }
    return 0;
}
"""


def test_a_program_of_ones_own_prints_labels(tmp_path: Path) -> None:
    """The header alone: no allocation, no call but of <math.h>, the same bytes each time."""
    labels = ("zero", 'on"e', "tw\\o\n", "*/ int x; /*", "??/", "fünf", "six", "seven", "eight", "nine")
    x = np.random.default_rng(0).normal(size=(80, 6)).astype("float32")
    module = pt.data.DataModule(
        "rows", "classification", {"train": pt.data.ArrayDataset(x=x, y=np.arange(80) % 10)}, 10, labels=labels
    )
    run = pt.fit(
        model=pt.nn.Linear(6, 10), data=module, epochs=1, folder=tmp_path / "run", verbose=False,
        report={"baseline": False},
    )  # fmt: skip
    run.export("c", tmp_path)
    text = (tmp_path / "run.h").read_text(encoding="ascii")
    assert "malloc" not in text and text.count("#include") == 2 and "int x;" not in text
    run.export("c", tmp_path / "again.h")
    assert (tmp_path / "again.h").read_text() == text
    (tmp_path / "main.c").write_text(MAIN)
    flags = ["-std=c99", "-Wall", "-Werror", "-pedantic"]
    assert COMPILER is not None
    subprocess.run([COMPILER, *flags, "main.c", "-o", "main", "-lm"], cwd=tmp_path, check=True)
    said = subprocess.run(["./main"], cwd=tmp_path, input=x.tobytes(), capture_output=True, check=True).stdout
    wanted = "".join(f"{labels[best]}\n" for best in run.predict(x).outputs.argmax(1))
    assert said.decode() == wanted


def test_the_program_of_the_guide(tmp_path: Path) -> None:
    """It is compiled as it stands there, and prints the classes that the engine predicts."""
    page = (ROOT / "docs" / "guides" / "export.md").read_text(encoding="utf-8")
    (tmp_path / "main.c").write_text(next(block.code for block in blocks(page) if block.language == "c"))
    run = of_digits({"use": "cnn", "channels": [4]}, tmp_path / "digits-1")
    run.export("c", tmp_path / "digits.h")
    assert COMPILER is not None
    subprocess.run([COMPILER, "-std=c99", "-O2", "main.c", "-o", "digits", "-lm"], cwd=tmp_path, check=True)
    x = np.random.default_rng(0).integers(0, 17, (20, 8, 8), dtype=np.uint8)
    said = subprocess.run(["./digits"], cwd=tmp_path, input=x.tobytes(), capture_output=True, check=True).stdout
    assert list(map(int, said.split())) == run.predict(x).outputs.argmax(1).tolist()


def test_an_op_without_a_rule_names_the_line(tmp_path: Path) -> None:
    class Sorted(pt.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = pt.nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return self.layer(pt.sort(x))

    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    run = pt.fit(model=Sorted(), data=(x, np.arange(16) % 2), epochs=1, verbose=False, report={"baseline": False})
    with pytest.raises(ExportError) as caught:
        run.export("c", tmp_path / "a.h")
    text = str(caught.value)
    assert text.startswith("[export] there is no rule for argsort(") and "test_export_c.py:" in text
    assert list(tmp_path.iterdir()) == []


def test_what_is_too_large_or_fitted_by_numpy_is_refused(tmp_path: Path) -> None:
    large = of_digits({"use": "mlp", "hidden": [4000, 300]}, tmp_path / "large", steps=1)
    with pytest.raises(ExportError, match=r"^\[export c\] the model has 1,[0-9,]+ numbers; expected at most 1,000,000"):
        large.export("c", tmp_path / "a.h")
    tables = {**DIGITS, "model": "nearest-mean", "strategy": "fitted", "run": {"until": "1 round"}}
    del tables["optimizer"]
    with pytest.raises(ExportError, match=r"^\[export\] the model nearest-mean computes its answers with NumPy"):
        pt.fit(tables, verbose=False).export("c", tmp_path / "a.h")
    assert not (tmp_path / "a.h").exists()


def test_every_op_of_the_exporter_is_one_of_the_engine() -> None:
    from powertrain.conformance.backend_cases import SPECS

    assert sorted(set(OPS) - set(SPECS) - {"boundary", "copy"}) == []


def test_numbers_and_texts_of_c() -> None:
    assert [number(value, "float32") for value in (np.float32(0.1), 1.0, -0.0, 1e30, float("inf"), float("nan"))] == [
        "0.100000001f", "1.0f", "-0.0f", "1e+30f", "INFINITY", "NAN",
    ]  # fmt: skip
    assert number(-(2**63), "int64") == "INT64_MIN" and number(True, "bool") == "1"
    drawn = np.random.default_rng(1).integers(0, 2**32, 2000, dtype=np.uint32).view(np.float32)
    for value in drawn[np.isfinite(drawn)]:
        assert np.float32(number(float(value), "float32").rstrip("f")) == value
    assert quoted('a"\\\n??/é') == '"a\\042\\134\\012\\077\\077\\057\\303\\251"'


def test_loops_are_merged_and_memory_is_used_again() -> None:
    walk = Walk((2, 3, 4), (strides((2, 3, 4)), (0, 4, 1)), (0, 0)).merged()
    assert walk.sizes == (2, 12) and walk.steps == ((12, 1), (0, 1))
    buffers = Buffers()
    first = buffers.take("float32", 8)
    buffers.give_back(first)
    assert buffers.take("int64", 4) != first and buffers.take("float32", 20) == first
    assert buffers.sizes[first] == 20
