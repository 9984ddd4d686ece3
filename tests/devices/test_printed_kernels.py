"""Compiled steps on a simulated GPU run fused programs as kernels that are printed and compiled, eager calls and
machines without a compiler by the interpreter; the bits are the same."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from device_models import MLP, MODELS, Model
from simulated_gpu import ORDERS, answer_of, built, on_a_gpu

pytestmark = pytest.mark.simulated

if not hasattr(ctypes.CDLL(str(built().with_name("libpowertrain_cuda_sim.so"))), "nvrtcVersion"):
    pytest.skip("the simulator was built without nvrtc.h: pip install nvidia-cuda-nvrtc-cu12", allow_module_level=True)

PRINTED = re.compile("fused_[0-9a-f]{16}")
COMPILER = {"POWERTRAIN_CUDA_NVRTC": "sim"}
SMALL = """
import json
import numpy as np
import powertrain as pt

step = pt.compile(lambda x, y: (pt.tanh(x) * 2, pt.exp(y).sum(axis=1)))
x = pt.asarray(np.linspace(-3, 3, 60).reshape(6, 10).astype("float32")).to("cuda")
y = x + 1
for _ in range(4):
    made = step(x, y)
kernels = [instruction["kernel"] for instruction in step.programs[0]["instructions"]]
print(json.dumps({"numbers": [each.numpy().tobytes().hex() for each in made], "kernels": kernels}))
"""


def printed(answer: Any) -> int:
    return sum(bool(PRINTED.fullmatch(kernel)) for kernel in answer["kernels"])


@pytest.fixture(scope="module")
def interpreted() -> Any:
    return answer_of(SMALL)


@pytest.mark.parametrize(
    "make", [pytest.param(make, marks=[] if make is MLP else [pytest.mark.long]) for make in MODELS]
)
def test_training_has_the_bits_of_the_interpreter(make: Model, tmp_path: Path) -> None:
    program = f"""
import json
from device_models import {make.__name__}, trained
print(json.dumps(trained({make.__name__}, "cuda", 5)))
"""
    one, other = answer_of(program), answer_of(program, XDG_CACHE_HOME=str(tmp_path), **COMPILER)
    left, all_programs = (each["kernels"].count("fused_interpreter") for each in (other, one))
    assert printed(one) == left == 0 and printed(other) == all_programs
    assert one["hash"] == other["hash"]


def test_eager_calls_are_interpreted(tmp_path: Path) -> None:
    program = """
import powertrain as pt, powertrain.nn.functional as F
x = pt.ones((3, 4), device="cuda")
for _ in range(3):
    print(float((F.gelu(x) * 2 + pt.softmax(x, axis=1)).sum()))
"""
    done = on_a_gpu(program, XDG_CACHE_HOME=str(tmp_path), **COMPILER)
    assert done.returncode == 0 and not any(tmp_path.iterdir()), done.stderr


@pytest.mark.parametrize(("which", "kept"), [("1+", 0), ("1", 2), ("2", 2)])
def test_a_program_that_does_not_compile_is_interpreted(
    interpreted: Any, tmp_path: Path, which: str, kept: int
) -> None:
    orders = f"{ORDERS.format(1)},fail_compile={which}"
    done = on_a_gpu(SMALL, orders, XDG_CACHE_HOME=str(tmp_path), **COMPILER)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"\[cuda:0\] a step computes by the interpreter, which is slower than its own kernels: \[cuda fused_\w+\] "
        r"NVRTC refused a printed kernel: ordered to fail by POWERTRAIN_SIM; expected it to compile; please report "
        r"it\n",
        done.stderr,
    )
    answer = json.loads(done.stdout)
    assert printed(answer) == kept and answer["numbers"] == interpreted["numbers"]


def test_without_a_compiler_steps_are_interpreted(interpreted: Any) -> None:
    answer = answer_of(SMALL, POWERTRAIN_CUDA_NVRTC="/no/such/libnvrtc.so")
    assert answer == interpreted and printed(answer) == 0


def test_kernels_are_kept_for_the_simulator_that_compiled_them(interpreted: Any, tmp_path: Path) -> None:
    package, kept = tmp_path / "package", tmp_path / "cache"
    shutil.copytree(built().parents[1], package)

    def files() -> int:
        answer = answer_of(
            SMALL, PYTHONPATH=f"{package}:{os.environ.get('PYTHONPATH', '')}", XDG_CACHE_HOME=str(kept), **COMPILER
        )
        assert printed(answer) == 3 and answer["numbers"] == interpreted["numbers"]
        return len(list((kept / "powertrain" / "cuda").iterdir()))

    assert [files(), files()] == [3, 3]
    os.utime(package / "powertrain_cuda" / "libpowertrain_cuda_sim.so", (0, 0))  # as another build's
    assert files() == 6
