"""Powertrain: a training engine whose whole train step is one compiled, replayed program.

Example
    >>> import powertrain as pt
    >>> x = pt.tensor([1.0, 2.0, 3.0])
    >>> (x * x).sum().item()
    14.0
"""

from __future__ import annotations

import builtins as _builtins
import importlib as _importlib
import importlib.util as _importlib_util
import os as _os
import typing as _typing
from pathlib import Path as _Path

try:
    from powertrain import _core
except ImportError as _error:
    if "subinterpreter" not in str(_error):  # of the core, or of Python 3.12 and later before it is asked
        raise
    raise ImportError(
        "[powertrain] imported in a subinterpreter; expected the main interpreter, since kernels, threads and memory "
        "are shared by the process; use processes or threads"
    ) from None

from powertrain._core import (
    DType,
    DTypeError,
    Error,
    IndexError,
    KernelError,
    NonFiniteError,
    OutOfMemoryError,
    OverflowError,
    ShapeError,
    Slot,
    TraceError,
    asarray,
    get_threads,
    isa,
    set_threads,
)

# Errors name the line of who uses the engine. The built-in models and strategies use it as a stranger's do.
_package = f"{_Path(__file__).absolute().parent}{_os.sep}"
_core.set_own_code(_package, [f"{_package}builtin{_os.sep}", f"{_package}plugin{_os.sep}language_strategy.py"])

from powertrain.abi import get_include  # noqa: E402
from powertrain.autodiff.checking import gradcheck  # noqa: E402
from powertrain.autodiff.custom import checkpoint, custom_gradient  # noqa: E402
from powertrain.autodiff.derivatives import hessian, hvp, jacobian, jvp  # noqa: E402
from powertrain.autodiff.gradients import grad, value_and_grad, vjp  # noqa: E402
from powertrain.autodiff.row_sparse import RowSparse  # noqa: E402
from powertrain.autodiff.vmap import vmap  # noqa: E402
from powertrain.devices.place import device  # noqa: E402
from powertrain.errors.boundary import export as _export  # noqa: E402
from powertrain.errors.hints import unknown as _unknown  # noqa: E402
from powertrain.errors.imports import install as _install_hints  # noqa: E402
from powertrain.errors.modules import answer_calls as _answer_calls  # noqa: E402
from powertrain.fft.short_time import istft, stft  # noqa: E402
from powertrain.io import launcher as _launcher  # noqa: E402
from powertrain.ops.bessel import i0  # noqa: E402
from powertrain.ops.blocks import block_diag, cartesian_prod, combinations, diag_embed  # noqa: E402
from powertrain.ops.comparison import allclose, array_equal, isclose, isin  # noqa: E402
from powertrain.ops.counting import bincount, digitize, ravel_multi_index, unravel_index  # noqa: E402
from powertrain.ops.creation import (  # noqa: E402
    broadcast_arrays,
    broadcast_shapes,
    empty,
    empty_like,
    eye,
    full_like,
    identity,
    linspace,
    meshgrid,
    ones_like,
    zeros_like,
)
from powertrain.ops.divisors import gcd, lcm  # noqa: E402
from powertrain.ops.exponents import frexp, ldexp  # noqa: E402
from powertrain.ops.functional import OPERATORS as _OPERATORS  # noqa: E402
from powertrain.ops.functional import arange, full, ones, zeros  # noqa: E402
from powertrain.ops.functional import op_names as _op_names  # noqa: E402
from powertrain.ops.grids import geomspace, logspace, tril_indices, triu_indices, vander  # noqa: E402
from powertrain.ops.histograms import histogram, histogram2d, histogramdd  # noqa: E402
from powertrain.ops.manipulation import (  # noqa: E402
    array_split,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    column_stack,
    dstack,
    fliplr,
    flipud,
    hstack,
    ravel,
    rot90,
    vstack,
)
from powertrain.ops.matrix_products import addmm, addmv, addr, baddbmm, cdist, dot, inner, kron, vdot  # noqa: E402
from powertrain.ops.padding import pad  # noqa: E402
from powertrain.ops.phases import unwrap  # noqa: E402
from powertrain.ops.pointwise import (  # noqa: E402
    addcdiv,
    addcmul,
    choose,
    deg2rad,
    heaviside,
    lerp,
    masked_fill,
    polygamma,
    polyval,
    rad2deg,
    select,
)
from powertrain.ops.present import nanargmax, nanargmin, nancumprod, nancumsum, nanprod  # noqa: E402
from powertrain.ops.products import einsum, tensordot  # noqa: E402
from powertrain.ops.quantiles import nanmedian, nanquantile, quantile  # noqa: E402
from powertrain.ops.ranked import kthvalue, mode  # noqa: E402
from powertrain.ops.renorm import renorm  # noqa: E402
from powertrain.ops.sampled import (  # noqa: E402
    convolve,
    correlate,
    cumulative_trapezoid,
    gradient,
    interp,
    trapezoid,
)
from powertrain.ops.searching import (  # noqa: E402
    argwhere,
    flatnonzero,
    nonzero,
    unique_all,
    unique_consecutive,
    unique_counts,
    unique_inverse,
    unique_values,
)
from powertrain.ops.signal_windows import bartlett, blackman, hamming, hanning, kaiser  # noqa: E402
from powertrain.ops.statistics import (  # noqa: E402
    average,
    corrcoef,
    cov,
    nanmax,
    nanmean,
    nanmin,
    nanstd,
    nansum,
    nanvar,
)
from powertrain.program.autocast import autocast  # noqa: E402
from powertrain.program.compiled import compile  # noqa: E402
from powertrain.program.control_flow import cond, scan, while_loop  # noqa: E402
from powertrain.program.slots import end_phase, flat_like, flatten_slots, guard, pack  # noqa: E402
from powertrain.random import permutation, rand, randint, randn  # noqa: E402
from powertrain.tensor import Tensor  # noqa: E402

tensor = _core.tensor  # after the submodule of that name, which its import would leave here

if _typing.TYPE_CHECKING:
    from powertrain import array_api as array_api
    from powertrain import builtin as builtin
    from powertrain import cuda as cuda
    from powertrain import data, fft, linalg, metrics, nn, optim, random
    from powertrain import fairness as fairness
    from powertrain import models as models
    from powertrain import monitor as monitor
    from powertrain import onnx as onnx
    from powertrain import plugin as plugin
    from powertrain import quality as quality
    from powertrain import recipe as recipe
    from powertrain import sklearn as sklearn
    from powertrain import solvers as solvers
    from powertrain import typing as typing
    from powertrain.linalg.fitting import polyfit
    from powertrain.nn.quantizing import quantize as quantize
    from powertrain.saved import restore, save
    from powertrain.sklearn import PCA as PCA
    from powertrain.sklearn import Classifier as Classifier
    from powertrain.sklearn import KMeans as KMeans
    from powertrain.sklearn import Regressor as Regressor
    from powertrain.train.evaluate.predictions import Predictions as Predictions
    from powertrain.train.fit import fit, load
    from powertrain.train.trained_run import TrainedRun as TrainedRun
    from powertrain.tuning.tune import tune

__version__: str = _core.__version__
bool_, int8, int16, int32, int64 = DType.bool, DType.int8, DType.int16, DType.int32, DType.int64
uint8, uint16, uint32, uint64 = DType.uint8, DType.uint16, DType.uint32, DType.uint64
complex64, complex128 = DType.complex64, DType.complex128
float16, bfloat16, float32, float64 = DType.float16, DType.bfloat16, DType.float32, DType.float64
inf, nan, pi, e, newaxis = float("inf"), float("nan"), 3.141592653589793, 2.718281828459045, None

globals().update({name: _OPERATORS[name] for name in _op_names()})

_LAZY = (
    "array_api", "builtin", "cuda", "data", "fairness", "fft", "linalg", "metrics", "models", "monitor", "nn", "onnx",
    "optim", "plugin", "quality", "random", "recipe", "sklearn", "solvers", "typing",
)  # fmt: skip

__all__ = [
    "DType", "DTypeError", "Error", "IndexError", "KernelError", "NonFiniteError", "OutOfMemoryError",
    "OverflowError", "Predictions", "RowSparse", "ShapeError", "Slot", "Tensor", "TraceError", "TrainedRun", "arange",
    "asarray", "autocast", "bfloat16", "bool_",
    "broadcast_arrays", "broadcast_shapes", "checkpoint", "compile", "complex128", "complex64", "cond",
    "cuda", "custom_gradient", "device", "einsum", "end_phase", "eye", "fit", "flat_like", "flatten_slots",
    "float16", "float32", "float64", "full", "full_like", "get_include", "get_threads", "grad", "gradcheck",
    "guard", "hessian", "hvp", "int16", "int32", "int64", "int8", "isa", "istft", "jacobian", "jvp", "linspace", "load",
    "meshgrid", "nonzero", "ones", "ones_like", "pack", "pad", "quantize", "restore", "save", "scan",
    "set_threads", "stft", "tensor", "tensordot", "tune", "uint16", "uint32", "uint64", "uint8", "unique_all",
    "unique_counts", "unique_inverse", "unique_values", "value_and_grad", "vjp", "vmap", "while_loop", "zeros",
    "zeros_like", "array_api", "builtin", "data", "fairness", "fft", "linalg", "metrics", "models", "monitor", "nn",
    "onnx", "optim", "plugin", "quality", "random", "recipe", "sklearn", "solvers", "typing", *_op_names(),
]  # fmt: skip
# Functions over arrays that are made of ops.
__all__ += [
    "addcdiv", "addcmul", "addmm", "addmv", "addr", "allclose", "argwhere", "array_equal", "array_split", "atleast_1d",
    "atleast_2d", "atleast_3d", "average", "baddbmm", "bartlett", "bincount", "blackman", "block_diag",
    "cartesian_prod", "cdist", "choose", "column_stack", "combinations", "convolve", "corrcoef", "correlate", "cov",
    "cumulative_trapezoid", "deg2rad", "diag_embed", "digitize", "dot", "dstack", "empty", "empty_like", "flatnonzero",
    "fliplr", "flipud", "frexp", "gcd", "geomspace", "gradient", "hamming", "hanning", "heaviside", "histogram",
    "histogram2d", "histogramdd", "hstack", "i0", "identity", "inner", "interp", "isclose", "isin", "kaiser", "kron",
    "kthvalue", "lcm", "ldexp", "lerp", "logspace", "masked_fill", "mode", "nanargmax", "nanargmin",
    "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin", "nanprod", "nanquantile", "nanstd", "nansum",
    "nanvar", "polyfit", "polygamma", "polyval", "quantile", "rad2deg", "ravel", "ravel_multi_index", "renorm", "rot90",
    "select", "trapezoid", "tril_indices", "triu_indices", "unique_consecutive", "unravel_index", "unwrap", "vander",
    "vdot", "vstack",
]  # fmt: skip
__all__ += ["e", "inf", "nan", "newaxis", "permutation", "pi", "rand", "randint", "randn"]

_PUBLIC = sorted(__all__)
# What a star-import takes: nothing that would stand in the place of one of Python's own, such as abs or max, and
# nothing that needs scikit-learn.
__all__ = [name for name in _PUBLIC if not hasattr(_builtins, name) and name != "sklearn"]

if _launcher.launched() > 1:
    _launcher.end_job_with_script()
_export(globals(), _PUBLIC)
_install_hints()
# Folders that hold how it is made are attributes too, since they are imported: `pt.devices()` is JAX's.
for _name in ("abi", "autodiff", "devices", "errors", "ops", "program"):
    _answer_calls(f"powertrain.{_name}")

# Classes that need scikit-learn.
_ESTIMATORS = ("Classifier", "KMeans", "PCA", "Regressor")
# Imported when they are first asked for: the trainer, and what needs NumPy or a module above.
_LATE = {
    "Predictions": "train.evaluate.predictions", "TrainedRun": "train.trained_run",
    "fit": "train.fit", "load": "train.fit", "polyfit": "linalg.fitting",
    "quantize": "nn.quantizing", "restore": "saved", "save": "saved", "tune": "tuning.tune",
}  # fmt: skip


def __getattr__(name: str) -> _typing.Any:
    if name in _LAZY:
        return _importlib.import_module(f"powertrain.{name}")
    if name in _ESTIMATORS:
        return getattr(_importlib.import_module("powertrain.sklearn"), name)
    if name in _LATE:
        return getattr(_importlib.import_module(f"powertrain.{_LATE[name]}"), name)
    raise _unknown("powertrain", name)


def __dir__() -> list[str]:
    there = ("sklearn", *_ESTIMATORS) if _importlib_util.find_spec("sklearn") else ()
    return sorted({*_PUBLIC, *_LATE, *there, "__version__"} - (set() if there else {"sklearn"}))
