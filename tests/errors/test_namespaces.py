"""What the public modules show: their functions and classes, each in one place, and nothing of how they are made."""

from __future__ import annotations

import builtins
import copy
import importlib
import pickle
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.errors.hints import UnknownNameError
from powertrain.ops import namespaces
from powertrain.ops.functional import OPERATORS

MODULES = [
    "powertrain", *(f"powertrain.{name}" for name in (
        "builtin.data", "builtin.losses", "builtin.models", "data", "fft", "linalg", "metrics", "nn", "nn.functional",
        "recipe",
        "nn.init", "nn.utils", "nn.utils.parametrizations", "nn.utils.parametrize", "nn.utils.rnn", "optim",
        "optim.schedules", "plugin", "random", "solvers", "quality", "fairness"))
]  # fmt: skip
TABLES = {
    name: getattr(namespaces, name)
    for name in ("FUNCTIONAL", "SHARED", "BELOW_FUNCTIONAL", "LINALG", "BELOW_ARRAYS", "ENGINE_ONLY")
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_shows_what_it_has_and_nothing_else(name: str) -> None:
    module = importlib.import_module(name)
    shown = dir(module)
    assert shown == sorted(set(shown))
    assert [one for one in shown if one.startswith("_")] == (["__version__"] if module is pt else [])
    for one in shown:
        value = getattr(module, one)
        home = getattr(value, "__module__", None) or getattr(value, "__name__", "powertrain")
        ours = str(home).split(".")[0] == "powertrain" or not callable(value) or one == "State"  # of NumPy's arrays
        assert ours, f"{name}.{one} is of {home}"
        # A module is shown where it is a part that users import, and not where it holds an implementation.
        assert not isinstance(value, ModuleType) or f"{name}.{one}" == value.__name__, f"{name}.{one}"


def test_dir_and_all_agree() -> None:
    for name in MODULES[1:]:
        module = importlib.import_module(name)
        assert dir(module) == sorted(module.__all__), name
    lacking = set(dir(pt)) - set(pt.__all__)
    needs_sklearn = {"sklearn", "Classifier", "KMeans", "PCA", "Regressor"}
    assert lacking - needs_sklearn - {"__version__"} == set(dir(pt)) & set(dir(builtins))
    assert set(pt.__all__) <= set(dir(pt))


def test_a_star_import_shadows_nothing_of_python() -> None:
    for name in MODULES:
        found: dict[str, Any] = {}
        exec(f"from {name} import *", found)
        if name != "powertrain.linalg":
            assert not (set(found) - {"__builtins__"}) & set(dir(builtins)), name
    assert {"abs", "all", "any", "compile", "complex", "max", "min", "pow", "round", "slice", "sum"} <= set(dir(pt))


def test_the_tables_name_ops_and_each_once() -> None:
    seen: dict[str, str] = {}
    for table, names in TABLES.items():
        for name in names:
            assert name in OPERATORS, f"{table} names {name}, which is no op"
            assert name not in seen, f"{name} is in {table} and in {seen[name]}"
            seen[name] = table


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_an_op_is_public_where_the_tables_say(name: str) -> None:
    op = OPERATORS[name]
    here = {module: getattr(importlib.import_module(module), name, None) for module in MODULES[1:]}
    if name in namespaces.ENGINE_ONLY:
        python = {"guard", "pack"}  # whose functions of these names are made of the ops
        assert (name in python or name not in dir(pt)) and name not in dir(F)
    elif name in namespaces.FUNCTIONAL:
        assert here["powertrain.nn.functional"] is op and not hasattr(pt, name)
    elif name in namespaces.SHARED:
        assert here["powertrain.nn.functional"] is op and getattr(pt, name) is op
    elif name in namespaces.BELOW_FUNCTIONAL:
        assert callable(here["powertrain.nn.functional"]) and here["powertrain.nn.functional"] is not op
        assert name == "pad" or not hasattr(pt, name)
    elif name in namespaces.BELOW_ARRAYS:
        assert callable(getattr(pt, name)) and getattr(pt, name) is not op and name in dir(pt)
    elif name in namespaces.LINALG:
        assert callable(here["powertrain.linalg"]) and not hasattr(pt, name)
    else:
        assert getattr(pt, name) is op and name in dir(pt)
    assert op.__module__ in sys.modules


@pytest.mark.parametrize("name", ["relu", "conv2d", "relu_grad", "cross_entropy"])
def test_an_op_is_the_same_after_a_copy_and_a_pickle(name: str) -> None:
    op = OPERATORS[name]
    assert copy.copy(op) is op and copy.deepcopy(op) is op
    assert pickle.loads(pickle.dumps(op)) is op


KEYWORDS = [
    (lambda x: pt.softmax(x, dim=1), "[softmax] received dim=1; expected axis; write softmax(input, axis=1)"),
    (lambda x: pt.sum(x, dim=(0, 1)), "[sum] received dim=(0, 1); expected axis; write sum(x, axis=(0, 1))"),
    (lambda x: pt.mean(x, axis=0, keepdim=True),
     "[mean] received keepdim=True; expected keepdims; write mean(x, keepdims=True, axis=0)"),
    (lambda x: pt.abs(input=x), "[abs] received input; expected x; write abs(x)"),
    (lambda x: pt.add(x, other=x), "[add] received other; expected b; write add(a, b)"),
    (lambda x: F.leaky_relu(x, slope=0.1),
     "[leaky_relu] slope is no parameter of leaky_relu; expected input, negative_slope; check the spelling"),
    (lambda x: pt.roll(x, shifts=1), "[roll] received shifts=1; expected shift; write roll(x, shift=1)"),
    (lambda x: F.gumbel_softmax(x, dim=0),
     "[gumbel_softmax] received dim=0; expected axis; write gumbel_softmax(logits, axis=0)"),
    (lambda x: pt.var(x, unbiased=False),
     "[var] received unbiased=False; expected correction; write var(x, correction=0)"),
    (lambda x: x.sum(dtype="float64"),
     "[sum] received dtype='float64'; expected no dtype; convert the tensor first, x.astype(dtype)"),
    (lambda x: pt.mean(x, where=x > 0),
     "[mean] received where=bool[2, 3]; expected no where; select the elements first, x[mask], or replace the others, "
     "pt.where(mask, x, 0)"),
    (lambda x: x.max(initial=3), "[max] received initial=3; expected no initial; combine it with the result, as "
     "pt.maximum(x.max(), initial)"),
    (lambda x: pt.round(x, decimals=2),
     "[round] received decimals=2; expected no decimals; write Python's own round(x, decimals), which takes tensors"),
    (lambda x: x.astype("float64", copy=False),
     "[astype] received copy=False; expected no copy: a value never changes, and x.copy() has memory of its own; leave "
     "it out"),
    (lambda x: x.reshape(3, 2, order="F"),
     "[reshape] received order='F'; expected no order: elements are counted row by row; leave it out, or transpose for "
     "columns first"),
    (lambda x: pt.nonzero(x, as_tuple=True), "[nonzero] received as_tuple=True; expected no as_tuple: it is always a "
     "tuple, an array of places for each axis; leave it out"),
    (lambda x: pt.zeros((2,), order="F"), "[zeros] received order='F'; expected no order: elements are counted row by "
     "row; leave it out, or transpose for columns first"),
    (lambda x: pt.nn.Linear(3, 4, activation="relu"),
     "[Linear] received activation='relu'; expected no activation; put a module behind it, pt.nn.Sequential(layer, "
     "pt.nn.ReLU())"),
    (lambda x: pt.tensor([1.0], requires_grad=True), "[tensor] received requires_grad=True; expected no requires_grad: "
     "pt.grad(fn)(x) takes a gradient; leave it out"),
    (lambda x: pt.asarray(x, copy=True), "[asarray] received copy=True; expected no copy: a value never changes, and "
     "x.copy() has memory of its own; leave it out"),
    (lambda x: pt.where(x > 0), "[where] a is missing; expected a tensor; write pt.nonzero(condition) for the places "
     "where it is true"),
    (lambda x: pt.round(x, 2), "[round] received 2 positional arguments; expected at most 1; write Python's own "
     "round(x, decimals), which takes tensors"),
    (lambda x: F.relu(x=x), "[relu] received x; expected input; write relu(input)"),
    (lambda x: pt.flatten(x, start_dim=1), "[flatten] received start_dim=1; expected start_axis; write flatten(x, "
     "start_axis=1)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), KEYWORDS, ids=[text[: text.index("]") + 1] for _, text in KEYWORDS])
def test_a_keyword_of_pytorch_shows_ours(call: Any, text: str) -> None:
    with pytest.raises(pt.DTypeError) as error:
        call(pt.ones((2, 3)))
    assert str(error.value) == text


NAMES = [
    ("powertrain", "concatenate", "write pt.concat(tensors, axis=0)"),
    ("powertrain", "clamp", "write pt.clip(x, min, max)"),
    ("powertrain", "conv2d", "write pt.nn.functional.conv2d(input, weight)"),
    ("powertrain", "Linear", "write pt.nn.Linear("),
    ("powertrain", "eigh", "write pt.linalg.eigh(x)"),
    ("powertrain", "no_grad", "nothing is recorded for gradients unless pt.grad or pt.nn.value_and_grad asks for "
     "them; leave it out"),
    ("powertrain", "quantize_per_tensor", "there are no quantized tensors; pt.quantize gives layers of 8 or 4 bits"),
    ("powertrain", "maxmum", "did you mean maximum?"),
    ("powertrain", "zzzzzz", "see dir(pt)"),
    ("powertrain.nn.functional", "swish", "write pt.nn.functional.silu(x)"),
    ("powertrain.nn.functional", "matmul", "write pt.matmul(a, b)"),
    ("powertrain.nn.functional", "relu_", "write x = pt.relu(input)"),
    ("powertrain.nn", "Dense", "write pt.nn.Linear(in_features, out_features)"),
    ("powertrain.optim", "adamw", "write pt.optim.AdamW(model)"),
    ("powertrain.linalg", "inverse", "write pt.linalg.inv(x)"),
    ("powertrain", "fit_ridge", "write pt.solvers.fit_ridge(x, y, l2)"),
    ("powertrain.data", "find_file", "did you mean find_files?"),
    ("powertrain", "layers", "write pt.nn.Linear(in_features, out_features), and the other layers of pt.nn"),
    ("powertrain", "optimizers", "write pt.optim.Adam(model, lr=1e-3)"),
    ("powertrain", "GradientTape", "write loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y); opt.update(grads)"),
    ("powertrain", "reduce_mean", "write pt.mean(x)"),
    ("powertrain", "lax", "write pt.scan(fn, init, xs), pt.cond and pt.while_loop"),
    ("powertrain", "eval", "a value is there when its call returns; leave it out"),
    ("powertrain", "LongTensor", "write pt.tensor(data, dtype='int64')"),
    ("powertrain.random", "shuffle", "write x = pt.random.permutation(x)"),
    ("powertrain.linalg", "eig", "write pt.linalg.eigh(x) of a symmetric matrix, else numpy.linalg.eig(x.numpy())"),
    ("powertrain.recipe", "Recip", "did you mean Recipe?"),
    ("powertrain.solvers", "kmean", "did you mean kmeans?"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "name", "said"), NAMES, ids=[f"{module}.{name}" for module, name, _ in NAMES])
def test_a_name_of_another_library_shows_ours(module: str, name: str, said: str) -> None:
    with pytest.raises(UnknownNameError) as error:
        getattr(importlib.import_module(module), name)
    assert isinstance(error.value, AttributeError) and isinstance(error.value, pt.Error)
    assert str(error.value).startswith(f"[{module}] {name}; expected a name of {module}; {said}")


def test_python_s_own_questions_get_plain_answers() -> None:
    for name in ("__wrapped__", "_private"):
        with pytest.raises(AttributeError) as error:
            getattr(pt, name)
        assert not isinstance(error.value, pt.Error)
    done = subprocess.run(
        [sys.executable, "-c", "from powertrain import errors, io, nn; import powertrain.nn.functional"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
