"""Long products go through the simulated cuBLASLt where it is asked for: a step is still one launch of a graph, has the
same bits in every run, compiled and eagerly, and the numbers are those of our own kernels within rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulated_gpu import answer_of, on_a_gpu

pytestmark = pytest.mark.simulated

# A layer over 800 features, and gradients of weights over 1024 rows: three long products. The others are short.
TRAINED = """
import json
import numpy as np
import powertrain as pt
import powertrain.nn.functional as F
from simulated_gpu import counts, counts_since, simulated_gpus

GPU = simulated_gpus()[0]
pt.random.seed(0)
with pt.device(GPU):
    model = pt.nn.Sequential(pt.nn.Linear(800, 24), pt.nn.GELU(), pt.nn.Linear(24, 3))
    optimizer = pt.optim.AdamW(model, lr=0.01)
    loss_and_grads = pt.nn.value_and_grad(model, lambda x, y: F.cross_entropy(model(x), y))

    @pt.compile
    def step(x, y):
        with pt.autocast(PRECISION):
            loss, grads = loss_and_grads(x, y)
        optimizer.update(grads)
        return loss

draw = np.random.default_rng(0)
x, y = draw.normal(size=(1024, 800)).astype("float32"), draw.integers(0, 3, 1024)
losses, asked = [], []
for _ in range(6):
    before = counts()
    losses.append(step(x, y).item())
    asked.append(counts_since(before))
weights = [np.asarray(value).tobytes().hex() for value in model.state_dict().values()]
print(json.dumps({
    "losses": losses, "asked": asked, "weights": weights,
    "kernels": [i["kernel"] for i in step.programs[0]["instructions"]],
}))
"""


def trained(precision: str, **environment: str) -> dict[str, Any]:
    program = TRAINED.replace("PRECISION", repr(precision))
    answer: dict[str, Any] = answer_of(program, **environment)
    return answer


@pytest.mark.parametrize(("precision", "kernel"), [("f32", "cublaslt_f32"), ("bf16", "cublaslt_bf16")])
def test_a_step_is_one_launch_with_the_same_bits_in_every_run(precision: str, kernel: str) -> None:
    ours = trained(precision, POWERTRAIN_CUBLASLT="0")
    first, second = (trained(precision, POWERTRAIN_CUBLASLT="sim") for _ in range(2))
    assert not any("cublaslt" in name for name in ours["kernels"])
    assert sum(name.startswith(kernel) for name in first["kernels"]) == 3
    assert first["losses"] == second["losses"] and first["weights"] == second["weights"]
    np.testing.assert_allclose(first["losses"], ours["losses"], rtol=1e-5 if precision == "f32" else 2e-2)
    assert first["losses"][-1] < 0.7 * first["losses"][0]
    for asked in first["asked"][2:]:
        asked.pop("questions", 0)
        copied = {"copies in": 2, "bytes in": 1024 * (800 * 4 + 8), "copies out": 1, "bytes out": 4}  # the loss
        assert asked == {"graphs": 1, "waits": 2, **copied}


CALLED = """
import json
import numpy as np
import powertrain as pt
import powertrain.nn.functional as F
from simulated_gpu import simulated_gpus

GPU = simulated_gpus()[0]
draw = np.random.default_rng(1)
def array(*shape, dtype=pt.float32):
    return pt.asarray(draw.normal(size=shape).astype("float32")).astype(dtype).to(GPU)

said = {}
for dtype in (pt.float32, pt.bfloat16, pt.float16, pt.float64):
    given = [array(*shape, dtype=dtype) for shape in ((3, 7, 900), (900, 20), (20,), (3, 7, 20))]
    calls = {
        "bias": lambda x, w, b, r: (pt.matmul(x, w) + b,),
        "kept": lambda x, w, b, r: (pt.matmul(x, w) + b, F.relu(pt.matmul(x, w) + b)),
        "residual": lambda x, w, b, r: (r + pt.matmul(x, w),),
        "turned": lambda x, w, b, r: (pt.matmul(w.T, pt.permute_dims(x, (0, 2, 1))),),
        "short": lambda x, w, b, r: (pt.matmul(x[:, :, :20], w[:20]) + b,),
    }
    for name, call in calls.items():
        step = pt.compile(call)
        eager, made = call(*given), step(*given)
        for one, other in zip(eager, made):
            np.testing.assert_array_equal(one.astype(pt.float64).numpy(), other.astype(pt.float64).numpy(), name)
        said[f"{dtype} {name}"] = [
            [i["kernel"] for i in step.programs[0]["instructions"]],
            [t.astype(pt.float64).numpy().tolist() for t in made],
        ]
print(json.dumps(said))
"""


def test_calls_have_the_same_bits_compiled_and_eagerly() -> None:
    ours, theirs = answer_of(CALLED, POWERTRAIN_CUBLASLT="0"), answer_of(CALLED, POWERTRAIN_CUBLASLT="sim")
    steps = {"float32": 2**-24, "bfloat16": 2**-8, "float16": 2**-11, "float64": 2**-53}
    for call, (kernels, results) in theirs.items():
        dtype, name = call.removeprefix("powertrain.").split()
        assert any(kernel.startswith("cublaslt_") for kernel in kernels) == (name != "short"), (call, kernels)
        assert not any(kernel.startswith("cublaslt_") for kernel in ours[call][0])
        for one, other in zip(results, ours[call][1], strict=True):
            # Sums of 900 products of about 1, in two orders, rounded once or twice.
            bound = 900 * (steps["float64"] if dtype == "float64" else steps["float32"]) * 8
            np.testing.assert_allclose(one, other, rtol=4 * steps[dtype], atol=bound + 64 * steps[dtype])


def test_a_named_library_that_is_missing_is_an_error() -> None:
    done = on_a_gpu("import powertrain as pt; pt.ones((2,), device='cuda')", POWERTRAIN_CUBLASLT="/no/libcublasLt.so")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "[cuda] POWERTRAIN_CUBLASLT = /no/libcublasLt.so, but /no/libcublasLt.so could not be opened "
        "(/no/libcublasLt.so: cannot open shared object file: No such file or directory); expected the path of "
        "libcublasLt.so, or 0; pip install nvidia-cublas-cu12, or set POWERTRAIN_CUBLASLT=0 for powertrain's own "
        "kernels"
    )


def test_a_library_that_fails_names_its_status() -> None:
    program = (
        "import numpy, powertrain as pt; x = pt.asarray(numpy.ones((800, 8), 'float32')).to('cuda'); "
        "print(pt.matmul(x.T, x).numpy()[0, 0])"
    )
    good = on_a_gpu(program, POWERTRAIN_CUBLASLT="sim")
    assert good.stdout == "800.0\n", good.stderr
    bad = on_a_gpu(program, POWERTRAIN_CUBLASLT="sim", POWERTRAIN_SIM_CUBLASLT="fail_product=1")
    assert bad.returncode == 1
    assert "cuBLASLt 12.9.3 says CUBLAS_STATUS_EXECUTION_FAILED while multiplying f32[8, 800] by [800, 8]" in bad.stderr
