"""Methods, protocols and attributes of tensors: each method is the function of its name."""

from __future__ import annotations

import copy
import operator
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from oracles import same_bits
from powertrain.errors import counterparts

METHODS = sys.modules["powertrain.tensor"]._METHODS

X = np.random.default_rng(2).uniform(0.1, 0.9, (3, 4)).astype("float32")
GIVEN: dict[str, tuple[Any, ...]] = {
    "broadcast_to": ((2, 3, 4),), "clip": (0.3, 0.6), "cumulative_prod": (1,), "cumulative_sum": (0,),
    "expand_dims": (1,), "matmul": (X.T,), "maximum": (0.5,),
    "minimum": (0.5,), "moveaxis": (0, 1), "repeat": (2,), "roll": (1,), "split": (2, 1), "swapaxes": (0, 1),
    "take": ([1, 0],), "tile": ((2, 1),), "topk": (2,),
}  # fmt: skip


def values(result: Any) -> list[Any]:
    return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_the_function_of_its_name(name: str) -> None:
    function = pt.ops.functional.OPERATORS[name]
    assert vars(pt.Tensor)[name] is function
    arguments = GIVEN.get(name, ())
    pairs = zip(values(getattr(pt.tensor(X), name)(*arguments)), values(function(X, *arguments)), strict=True)
    assert all(same_bits(got, want) for got, want in pairs)


def test_flatten_takes_positions_as_pytorch_does() -> None:
    x = pt.ones((2, 3, 4))
    assert x.flatten().shape == (24,) and x.flatten(1).shape == (2, 12) and x.flatten(0, 1).shape == (6, 4)


def test_numbers_go_to_python() -> None:
    assert pt.tensor(X).tolist() == X.tolist() and pt.tensor(2).tolist() == 2
    assert pt.tensor([1.5], "bfloat16").tolist() == [1.5] and pt.tensor([1 + 2j]).tolist() == [1 + 2j]
    assert (float(pt.tensor(1.5)), int(pt.tensor(1.5)), bool(pt.tensor(0)), complex(pt.tensor(2.0))) == (
        1.5,
        1,
        False,
        2,
    )
    assert [10, 11, 12][pt.tensor(1)] == 11 and operator.index(pt.tensor(3, "uint8")) == 3
    assert f"{pt.tensor(3.14159):.2f}" == "3.14" and f"{pt.tensor(7):>4d}" == "   7" and f"{pt.tensor(True)}" == "True"
    assert f"{pt.tensor([1.0, 2.0])}" == str(pt.tensor([1.0, 2.0])) == "Tensor([1., 2.], f32[2])"


def test_to_takes_dtypes_and_the_one_device() -> None:
    x = pt.tensor([1.5, 2.5])
    assert x.to("cpu").dtype == x.to(device="cpu").dtype == pt.float32
    for dtype in ("float16", pt.float16, np.float16, np.dtype("float16"), pt.ones((1,), "float16")):
        assert x.to(dtype).dtype == pt.float16
    assert x.to("cpu", "int").dtype == x.to("cpu", dtype=int).dtype == pt.int64


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("bf16", "bfloat16"), ("bfloat16", "bfloat16"), (pt.bfloat16, "bfloat16"), (np.float32, "float32"),
        (np.dtype("int8"), "int8"), (float, "float32"), (int, "int64"), (bool, "bool"), (complex, "complex64"),
        ("float", "float32"), ("half", "float16"), ("double", "float64"), ("long", "int64"), ("int", "int64"),
        ("short", "int16"), ("cfloat", "complex64"), ("f64", "float64"),
    ],
)  # fmt: skip
def test_names_of_dtypes(name: Any, dtype: str) -> None:
    made = [pt.zeros((2,), name), pt.tensor([0], name), pt.tensor([1]).astype(name), pt.zeros_like(pt.ones(2), name),
            pt.arange(3, dtype=name), pt.full((1,), 1, name), pt.asarray([1], name)]  # fmt: skip
    assert [one.dtype.name for one in made] == [dtype] * len(made)


def test_a_dtype_equals_its_names() -> None:
    dtype = pt.ones((1,)).dtype
    assert dtype == pt.float32 == "float32" == dtype and dtype == np.float32 and dtype == np.dtype("float32")
    assert dtype != "float64" and dtype != np.int32 and dtype != 7 and dtype is not None and {dtype: 1}[pt.float32] == 1
    assert [pt.zeros((1,), name).dtype.kind for name in ("bool", "int8", "uint8", "bf16", "complex64")] == [*"biufc"]


MADE: list[Callable[..., Any]] = [
    *(lambda make=make, **of: make((2,), **of) for make in (pt.zeros, pt.ones, pt.empty)),
    *(lambda make=make, **of: make([1.0], **of) for make in (pt.tensor, pt.asarray)),
    *(lambda make=make, **of: make(pt.ones((2,)), **of) for make in (pt.zeros_like, pt.ones_like, pt.empty_like)),
    lambda **of: pt.full((2,), 3, **of), lambda **of: pt.full_like(pt.ones((2,)), 3, **of),
    lambda **of: pt.arange(3, **of), lambda **of: pt.eye(2, **of), lambda **of: pt.identity(2, **of),
    lambda **of: pt.linspace(0, 1, 3, **of),
]  # fmt: skip


@pytest.mark.parametrize("make", MADE)
def test_tensors_are_made_where_device_says(make: Callable[..., Any]) -> None:
    assert same_bits(make(device="cpu").numpy(), make().numpy()) and make(device=None).device == "cpu"
    with pytest.raises(pt.Error) as caught:
        make(device="gpu")
    assert str(caught.value) == "[device] received 'gpu'; expected 'cpu', 'cuda' or 'cuda:1'; write 'cuda'"


@pytest.mark.peers
def test_dtypes_of_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    assert pt.zeros((1,), torch.bfloat16).dtype == pt.bfloat16 and pt.zeros((1,), torch.long).dtype == pt.int64


def test_protocols() -> None:
    x = pt.tensor(X)
    assert len(x) == 3 and [row.tolist() for row in x] == X.tolist()
    assert 0.5 not in x and X[1, 2] in x and x in [x]
    quotient, rest = divmod(x, 0.25)
    np.testing.assert_array_equal(quotient.numpy(), divmod(X, np.float32(0.25))[0])
    assert same_bits((0.25 * quotient + rest).numpy().round(6), X.round(6))
    assert divmod(7, pt.tensor(2))[0].item() == 3
    np.testing.assert_array_equal(round(x).numpy(), X.round())
    np.testing.assert_allclose(round(x, 2).numpy(), X.round(2), rtol=1e-6)
    assert hash(x) == hash(x) and {x: 1}[x] == 1
    assert (x**2).dtype == pt.float32 and (2**x).dtype == pt.float32 and (pt.tensor([2]) ** 3).tolist() == [8]
    for made in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert made is not x and same_bits(made.numpy(), X)


def test_constants() -> None:
    assert (pt.pi, pt.e, pt.inf, pt.newaxis) == (np.pi, np.e, np.inf, None) and np.isnan(pt.nan)
    assert pt.tensor(X)[:, pt.newaxis].shape == (3, 1, 4)


def test_names_are_those_that_are_there() -> None:
    names = [name for name in dir(pt.Tensor) if not name.startswith("_")]
    x = pt.tensor(X)
    assert {"T", "clip", "copy", "item", "mT", "shape", "tolist", "to"} <= set(names)
    assert all(hasattr(x, name) for name in names) and not set(names) & set(counterparts.TENSOR)


HINTS = {
    "permute": "write pt.permute_dims(x, axes)", "view": "write x.reshape(shape)",
    "unsqueeze": "write pt.expand_dims(x, axis)", "cumsum": "write pt.cumulative_sum(x, axis=axis)",
    "is_cuda": "write x.device.type == 'cuda'", "clone": "write x.copy()", "fill_": "write x[...] = value",
    "add_": "write x += y", "detach": "write pt.stop_gradient(x)", "exp2": "write pt.exp2(x)",
    "backward": "write loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y); opt.update(grads)",
    "requires_grad": "write pt.grad(fn)(x): nothing is recorded on tensors",
    "reshap": "did you mean reshape?", "qqq": "see dir(pt.Tensor)",
}  # fmt: skip


@pytest.mark.parametrize("name", HINTS)
def test_names_of_other_libraries(name: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(pt.ones((2,)), name)
    assert str(caught.value) == f"[Tensor] {name}; expected a name of Tensor; {HINTS[name]}"
    assert isinstance(caught.value, pt.Error)


@pytest.mark.parametrize(("name", "line"), [("add_", "slot.value += x"), ("copy_", "slot.value = x")])
def test_names_that_change_a_parameter(name: str, line: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(pt.Slot(pt.ones((2,)), "w"), name)
    assert str(caught.value) == f"[Slot] {name}; expected a name of Slot; write {line}"


def test_asking_for_a_name_is_no_error() -> None:
    x = pt.ones((2,))
    assert not hasattr(x, "__cuda_array_interface__") and not hasattr(x, "nonsense") and getattr(x, "other", 3) == 3


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: pt.ones((2,)).to("gpu"), ValueError,
     "[device] received 'gpu'; expected 'cpu', 'cuda' or 'cuda:1'; write 'cuda'"),
    (lambda: pt.ones((2,)).to(type("Odd", (), {"__str__": lambda _: 1, "__repr__": lambda _: "Odd"})()), TypeError,
     "[to] received Odd; expected a dtype, or a device such as 'cpu' or 'cuda'; for example .to('float64')"),
    (lambda: f"{pt.ones((2,)):.2f}", TypeError,
     "[format] received '.2f' for float32[2]; expected a tensor without axes; format its elements, as of x.tolist()"),
    (lambda: f"{pt.tensor(1.5):q}", ValueError,
     "[format] received 'q': Unknown format code 'q' for object of type 'float'; expected a format of float; for "
     "example '.2f'"),
    (lambda: round(pt.ones((2,)), "a"), TypeError,
     "[round] digits = 'a'; expected an integer; pass one of 64 bits"),
    (lambda: list(pt.tensor(1)), TypeError, "[len] received a tensor without axes; expected at least one; use size"),
    (lambda: pt.ones((2,)).__array_namespace__(api_version="1999.12"), ValueError,
     "[array_namespace] api_version = '1999.12'; expected '2024.12' or an earlier one; leave it out"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "text"), ERRORS, ids=[str(number) for number in range(len(ERRORS))])
def test_errors(call: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text and isinstance(caught.value, pt.Error)


def test_transpose_refuses_what_it_does_not_take() -> None:
    with pytest.raises(pt.Error, match="anything is no parameter of permute_dims; expected x, axes"):
        pt.ones((2, 3)).transpose(1, 0, anything=3)
