"""Errors for names that are not here: they show the line to write, or say why there is none.

`pt.concatenate` is an AttributeError that shows `pt.concat(tensors, axis=0)`, from the tables of counterparts.py, from
the other public modules, or from names that are nearly the same.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from importlib.machinery import PathFinder
from typing import Any, Final

from powertrain import _core
from powertrain.errors.array_counterparts import ARRAYS
from powertrain.errors.counterparts import FUNCTIONS, NOTES, TABLES
from powertrain.errors.estimator_counterparts import ESTIMATORS
from powertrain.errors.modules import answer_calls
from powertrain.errors.tensor_counterparts import of_slot


class UnknownNameError(_core.Error, AttributeError):
    """A name that a public module or a tensor does not have."""


# Where a name that is in no row is looked for, and what these modules are called by their users.
_ALIAS: Final[dict[str, str]] = {
    "powertrain": "pt",
    "powertrain.nn.functional": "pt.nn.functional",
    "powertrain.linalg": "pt.linalg",
    "powertrain.fft": "pt.fft",
    "powertrain.random": "pt.random",
    "powertrain.cuda": "pt.cuda",
    "powertrain.nn": "pt.nn",
    "powertrain.nn.utils": "pt.nn.utils",
    "powertrain.nn.utils.parametrizations": "pt.nn.utils.parametrizations",
    "powertrain.nn.utils.parametrize": "pt.nn.utils.parametrize",
    "powertrain.nn.utils.rnn": "pt.nn.utils.rnn",
    "powertrain.optim": "pt.optim",
    "powertrain.optim.schedules": "pt.optim.schedules",
    "powertrain.data": "pt.data",
    "powertrain.data.transforms": "pt.data.transforms",
    "powertrain.metrics": "pt.metrics",
    "powertrain.quality": "pt.quality",
    "powertrain.fairness": "pt.fairness",
    "powertrain.models": "pt.models",
    "powertrain.monitor": "pt.monitor",
    "powertrain.recipe": "pt.recipe",
    "powertrain.solvers": "pt.solvers",
    "powertrain.array_api": "pt.array_api",
    "powertrain.sklearn": "pt.sklearn",
    "powertrain.nn.adapters": "pt.nn.adapters",
    "powertrain.nn.init": "pt.nn.init",
    "Slot": "pt.Slot",
    "Tensor": "pt.Tensor",
}
_PUBLIC: Final = tuple(module for module in _ALIAS if module not in ("Slot", "Tensor"))

# Families of names that are out of scope: a pattern, and what to do instead.
FAMILIES: Final[dict[str, tuple[str, str]]] = {
    "changes of pictures": (
        r"Random(Rotation|Affine|Erasing|Perspective|Grayscale|Apply|Choice|Order|Invert|Posterize|Solarize|Equalize|"
        r"Adjust\w+|AutoContrast)|ColorJitter|Grayscale|GaussianBlur|(Auto|Rand|Trivial)Augment(Wide)?|AugMix|"
        r"(Five|Ten)Crop|MixUp|CutMix|ToPILImage|ToDtype|ConvertImageDtype|v2",
        "pt.data.ImageFolder(folder, transform=...) takes those of torchvision; rand-augment, random-erasing, "
        "colour-jitter, mixup and cutmix for recipes come with powertrain-vision",
    ),
    "devices": (
        r"xpu|ipu|mps|mtia|xla|is_(cuda|cpu|xpu|ipu|mps|mtia|xla|meta)|(get|set_default)_device|record_stream|"
        r"Stream|(is_)?pin(ned|_memory)|share_memory_?|is_shared|get_default_device|device_(get|put)|block_until_ready",
        "tensors are on the CPU or on a GPU: x.device, x.to('cuda'), pt.device and pt.cuda say where",
    ),
    "quantization": (
        r"(de|fake_)?quantize.*|quantized_.*|q_\w+|qscheme|int_repr|is_quantized|scaled_(grouped_)?mm|grouped_mm",
        "there are no quantized tensors; pt.quantize gives layers of 8 or 4 bits",
    ),
    "sparse layouts": (
        r"sparse_.*|to_sparse.*|(col|crow|ccol|row)_indices.*|(is_)?coalesced?|dense_dim|hspmm|smm|sspaddmm|"
        r"is_sparse.*|"
        r"to_mkldnn|indices_copy|values(_copy)?|indices|to_padded_tensor",
        "tensors are dense; nn.Embedding(sparse=True) has row-sparse gradients",
    ),
    "views of memory": (
        r"as_strided.*|\w+_copy_?|(untyped_)?storage.*|(const_)?data_ptr|stride|set_|resize(_as)?_?|is_set_to|"
        r"dim_order|"
        r"(new_)?empty_(permuted|strided)|(slice|select|diagonal)_scatter|(may_share|shares)_memory|copyto|"
        r"require|conj_.*|"
        r"asfortranarray|isfortran|is_(conj|neg)|resolve_\w+|from_file|from_dlpack|frombuffer|memmap|"
        r"unsafe_\w+|itemsize|"
        r"as_subclass|module_load|nbytes|named_scope",
        "a value never changes, and whether two share memory cannot be seen",
    ),
    "writes by index": (
        r"index(_add|_copy|_fill|_reduce|_put)?_?|masked_scatter_?|scatter(_add|_reduce)?_?|put_?|putmask|place|insert|"
        r"(fill_diagonal|map)_?|segment_reduce|nonzero_static|put_along_axis|dynamic_(update_)?slice",
        "x[index] = value assigns; pt.where, pt.scatter_reduce, slices and pt.concat make new tensors",
    ),
    "random numbers": (
        r"(bernoulli|cauchy|exponential|geometric|log_normal|normal|uniform|random)_?|poisson|"
        r"randint_like",
        "pt.random has the distributions, and pt.random.Generator(seed) a stream of one's own",
    ),
    "settings of the process": (
        r"[gs]et_(rng_state|float32_matmul_precision|num_interop_threads|printoptions)|printoptions|\w*errstate|"
        r"[gs]et(err|errcall|bufsize)|are_deterministic_algorithms_enabled|is_inference(_mode_enabled)?|"
        r"show_\w+|test(ing)?|"
        r"typename|info|is_storage|is_nonzero|grad_dtype|retains_grad|register_post_accumulate_grad_hook",
        "results depend on inputs and seed alone, and errors are raised where they happen: there is nothing to set",
    ),
    "factorisations": (
        r"cholesky_(inverse|solve)|geqrf|orgqr|ormqr|lu(_solve|_unpack)?|lobpcg|(pca|svd)_lowrank|triangular_solve|"
        r"matrix_exp|linearize",
        "pt.linalg has qr, svd, eigh, cholesky, solve and solve_triangular",
    ),
    "special functions": (
        r"(bitwise_count|(un)?packbits|hash_tensor)_?",
        "numpy and scipy compute them from x.numpy(), without a gradient",
    ),
    "sorts": (
        r"lexsort|sort_complex", "pt.sort and pt.argsort, which are stable: sort by the last key first",
    ),
    "slices": (
        r"s_|index_exp", "a slice is an index of Python's: slice(start, stop), or numpy.s_[start:stop]",
    ),
    "sets": (r"setxor1d|trim_zeros", "pt.unique_values and pt.isin"),
    "sums of products": (r"addbmm_|einsum_path|dot_general|(conv|associative)_\w+", "pt.einsum, and F.conv2d"),
    "polynomials": (r"poly\w*|roots", "numpy.polynomial"),
    "functions over functions": (
        r"apply_over_axes|from(function|pyfunc|iter)|frompyfunc|switch|map|tree_map|nditer|nested_iters|"
        r"nd(enumerate|index|iter)|flatiter|broadcast|iterable|ufunc",
        "pt.vmap(fn)(x), pt.cond and pt.where",
    ),
    "dtypes of NumPy": (
        r"\w*(complex(256|floating)|float128|longdouble|longlong)|u?int[cp_]?|ushort|ulong|bytes_|str_|object_|void|"
        r"datetime\w*|timedelta64|is(complex|dtype|nat|realobj|subdtype)|[fi]info|can_cast|result_type|chalf|"
        r"real_if_close|"
        r"character|flexible|floating|generic|inexact|integer|number|(un)?signedinteger|ScalarType|False_|True_|dtypes|"
        r"(common|min_scalar|minto?)_?type(code)?|mintypecode|typecodes|sctypeDict|little_endian|busday\w*|is_busday|"
        r"asarray_chkfinite",
        "pt.float32, pt.int64, pt.bool_ and the others of pt.DType; pt.array_api has finfo, iinfo and result_type",
    ),
    "modules of NumPy": (
        r"char|core|ctypeslib|emath|exceptions|f2py|lib|ma|rec|strings|typing|matrix|asmatrix|recarray|record|"
        r"(gen)?fromtxt|from(file|regex|string)|loadtxt|save(txt|z|z_compressed)?|array(2string|_repr|_str)|base_repr|"
        r"binary_repr|format_float_\w+|euler_gamma|polynomial",
        "numpy, on x.numpy()",
    ),
    "bases of modules": (
        r"RNN(Cell)?Base|Container|Parameter(Dict|List)|InputLayer|Masking|TimeDistributed|RepeatVector|Normalization|"
        r"Unit\w+|Gaussian\w+|CTC|Attention|(Depthwise|Separable)\w+|Cropping\dD",
        "a pt.nn.Module, whose parameters are its attributes",
    ),
    "training in other forms": (
        r"swa_utils|swap_in_optimizer_params_and_state|LRScheduler|MultiplicativeLR",
        "a schedule is a function of the step: schedule=lambda step: ...; averages are pt.optim.EMA and pt.optim.SWA",
    ),
}  # fmt: skip


def family(name: str) -> str | None:
    """The family of a name that is out of scope."""
    return next((known for known, (pattern, _) in FAMILIES.items() if re.fullmatch(pattern, name)), None)


def line(where: str, name: str) -> str | None:
    """What to write in place of a name."""
    known = TABLES.get(where, {}).get(name) or _elsewhere(where, name)
    if known is None and where == "powertrain":  # the best known estimators are names of pt too
        return ESTIMATORS.get(name)
    plain = name.rstrip("_")
    if known or where not in ("Slot", "Tensor", "powertrain.nn.functional"):
        return known
    return ARRAYS.get(plain) or (FUNCTIONS.get(plain) if where == "powertrain.nn.functional" else None)


def counterpart(name: str) -> str | None:
    """What to write in place of a dotted name of another library: of its last part that a table has."""
    for part in reversed(name.split(".")):
        for where in (*_PUBLIC, "Module", "Tensor"):
            written = TABLES.get(where, {}).get(part)
            if written:
                return f"{name} is a name of another library; write {written}"
    return None


def is_public(module: str) -> bool:
    return module in _PUBLIC


def knows(where: str, name: str) -> bool:
    """Whether there is more to say of a name than that it is not there."""
    return bool(line(where, name) or name in NOTES or family(name) or _close(where, name))


@functools.lru_cache(maxsize=1024)  # hasattr and getattr with a default ask again and again
def hint(where: str, name: str) -> str:
    """The error for a name that a public module, or a tensor ("Tensor"), does not have."""
    said = f"[{where}] {name}; expected a name of {where}; "
    written, named = line(where, name), family(name)
    if where == "Slot" and name not in TABLES["Slot"]:
        written = _line_of_slot(name, written)
    if written:
        return f"{said}write {written}"
    if name in NOTES or named:
        return said + (NOTES.get(name) or FAMILIES[named or ""][1])
    close = _close(where, name)
    return said + (f"did you mean {close}?" if close else f"see dir({_ALIAS.get(where, where)})")


def _line_of_slot(name: str, written: str | None) -> str | None:
    """What to write of a slot in place of a name that a tensor has, or for which a tensor has another line."""
    if name in _names("Tensor"):
        return f"slot.value.{name}" + ("(...)" if callable(getattr(_core.Tensor, name)) else "")
    if written and written.startswith("x = "):  # a method in place, whose first argument is the value
        return "slot.value" + re.sub(r"\(\w+", "(slot.value", written[1:], count=1)
    return written and of_slot(written)


def _close(where: str, name: str) -> str | None:
    """A name that is nearly the same, of the module that was asked or of another one."""
    for module in (where, *_PUBLIC):
        found = difflib.get_close_matches(name, _names(module), 1, 0.8)
        if found:
            return found[0] if module == where else f"{_ALIAS[module]}.{found[0]}"
    return None


def _elsewhere(where: str, name: str) -> str | None:
    """The call of a name that another public module has, or that is one of ours without the _ of a method in place."""
    for module in _PUBLIC:
        if module != where and name in _names(module):
            return _call(module, name)
    plain = name.rstrip("_")
    for module in ("powertrain", "powertrain.nn.functional") if plain and plain != name else ():
        if plain in _names(module):
            return f"x = {_call(module, plain)}"
    return None


def _names(where: str) -> list[str]:
    if where in ("Slot", "Tensor"):
        return [name for name in dir(getattr(_core, where)) if not name.startswith("_")]
    module = sys.modules.get(where) or importlib.import_module(where)
    return list(module.__dir__()) if hasattr(module, "__dir__") else []


def _call(module: str, name: str) -> str:
    """How it is called, with what it needs."""
    try:
        value = getattr(importlib.import_module(module), name)
        given = inspect.signature(value).parameters.values()
    except (TypeError, ValueError, ImportError):  # scikit-learn, whose estimators these are, is an extra
        return f"{_ALIAS[module]}.{name}"
    needed = [p.name for p in given if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return f"{_ALIAS[module]}.{name}({', '.join(needed)})"


def attributes(module: str, public: Iterable[str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and the `__dir__` of a public module: what it has, and hints for what it has not. A call of the
    module is answered too."""
    shown = sorted(public)
    answer_calls(module)
    # Python asks its finders, and so imports.py, for what is imported from a module with a path alone.
    vars(sys.modules[module]).setdefault("__path__", [])

    def missing(name: str) -> Any:
        raise unknown(module, name)

    return missing, lambda: shown


def unknown(where: str, name: str) -> AttributeError:
    """The error for a name that is not there; a plain one where Python or an import only asks."""
    folders = vars(sys.modules[where]).get("__path__") if where in sys.modules else None
    may_be_module = folders and not TABLES.get(where, {}).get(name)
    if name.startswith("_") or (may_be_module and PathFinder.find_spec(f"{where}.{name}", folders) is not None):
        return AttributeError(f"module {where!r} has no attribute {name!r}")
    return UnknownNameError(hint(where, name))
