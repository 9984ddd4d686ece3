"""Arguments that a function of the engine does not take: an error of ours, and Python's own for a caller's function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import powertrain as pt

LINEAR = "Linear(in_features, out_features, bias=True, device=None, dtype=None, *, std=None, generator=None)"


class Wider(pt.nn.Linear):
    def __init__(self) -> None:
        super().__init__(3, 3, wide=True)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: pt.grad(), "[grad] received no function; expected grad(function, argnums=0, has_aux=False); pass it"),
        (lambda: pt.nn.Linear(2, 3, width=4),
         "[Linear] received width=4; expected one of in_features, out_features, bias, device, dtype, std, generator; "
         "leave it out"),
        (lambda: pt.nn.Linear(2), f"[Linear] received no out_features; expected {LINEAR}; pass it"),
        (lambda: pt.nn.Linear(2, 3, True, None, None, 0.1),
         f"[Linear] received 6 positional arguments; expected at most 5, as in {LINEAR}; pass the others by keyword"),
        (lambda: pt.nn.Linear(2, 3, in_features=2), f"[Linear] received in_features twice; expected {LINEAR}; drop the "
         "keyword"),
        (lambda: pt.nn.Conv2d(3, 8, kernal_size=3),
         "[Conv2d] received kernal_size=3; expected one of in_channels, out_channels, kernel_size, stride, padding, "
         "dilation, groups, bias, padding_mode, device, dtype, generator; did you mean kernel_size?"),
        (lambda: pt.nn.ReLU(slope=0.1), "[ReLU] received slope=0.1; expected inplace; leave it out"),
        (lambda: pt.nn.Tanh(inplace=False),
         "[Tanh] received inplace=False; expected False: tensors never change; "
         "leave it out and use the result"),
        (lambda: Wider(),
         "[Linear] received wide=True; expected one of in_features, out_features, bias, device, dtype, std, generator; "
         "leave it out"),
        (lambda: pt.nn.Linear(2, 3)(pt.ones((1, 2)), 3),
         "[Linear] received 2 positional arguments; expected at most 1, as in Linear.forward(input); leave the "
         "others out"),
        (lambda: pt.ones(2).tolist(3), "[tolist] received powertrain._core.Tensor, int; expected tolist(self: Tensor) "
         "-> object; check the arguments"),
        (lambda: pt.nn.Linear(2, 3).freeze(pattern="a", deep=True),
         "[Linear.freeze] received deep=True; expected pattern; leave it out"),
        (lambda: halves_of(pt.data.Subset), "[Subset] received no dataset; expected Subset(dataset, indices); pass it"),
    ],
)  # fmt: skip
def test_arguments_that_a_function_does_not_take(call: Callable[[], object], text: str) -> None:
    with pytest.raises(pt.DTypeError) as error:
        call()
    assert str(error.value) == text
    assert isinstance(error.value, TypeError) and isinstance(error.value.__cause__, TypeError)


def halves_of(cls: type) -> object:
    return cls()


def test_what_python_says_of_a_caller_s_own_function_stays() -> None:
    class Net(pt.nn.Module):
        def forward(self, x: Any) -> Any:
            return x

    with pytest.raises(TypeError, match=r"Net\.forward\(\) takes 2 positional arguments but 3 were given$") as error:
        Net()(1, 2)
    assert not isinstance(error.value, pt.Error)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: pt.zeros(2, 3, dtype="float64"),
            "[zeros] received 2 numbers; expected one shape; write zeros((2, 3), dtype='float64')",
        ),
        (
            lambda: pt.empty(2, 3, 4),
            "[empty] dtype = 3; expected a dtype, after one shape; pass the shape as a tuple, such as empty((3, 4))",
        ),
        (lambda: pt.zeros(size=(2, 3)), "[zeros] received size=(2, 3); expected shape; write zeros(shape=(2, 3))"),
        (
            lambda: pt.linspace(0, 1, steps=5),
            "[linspace] received steps=5; expected num; write linspace(start, stop, num=5)",
        ),
        (
            lambda: pt.zeros(2, 3, dtype=pt.float64),
            "[zeros] received 2 numbers; expected one shape; write zeros((2, 3), dtype='float64')",
        ),
        (
            lambda: pt.topk(pt.ones(4), 2, dim=0),
            "[topk] received dim=0; expected axis; write topk(x, axis=0, k=2)",
        ),
        (
            lambda: pt.ones((2, 3)).std(dim=0, unbiased=False, keepdim=True),
            "[std] received dim=0; expected axis; write std(x, axis=0, correction=0, keepdims=True)",
        ),
        (
            lambda: pt.nn.functional.normalize(pt.ones((2, 3)), p=2, dim=1),
            "[normalize] received dim=1; expected axis; write normalize(input, axis=1, p=2)",
        ),
        (
            lambda: pt.vmap(abs, in_dims=0),
            "[vmap] received in_dims=0; expected in_axes; write vmap(function, in_axes=0)",
        ),
        (
            lambda: pt.cuda.manual_seed_all(0),
            "[powertrain.cuda] manual_seed_all; expected a name of powertrain.cuda; write pt.random.seed(value), for "
            "all devices",
        ),
        (
            lambda: pt.random.beta(1, 2),
            "[powertrain.random] beta; expected a name of powertrain.random; write "
            "pt.asarray(numpy.random.default_rng(seed).beta(...)), outside of a compiled step",
        ),
        (
            lambda: pt.nn.Sequential().add(pt.nn.ReLU()),
            "[Sequential] add; expected a name of Sequential; write model.append(layer), of a pt.nn.Sequential",
        ),
        (
            lambda: pt.fit(pt.nn.Linear(3, 2), ([1.0], [1])),
            "[fit] received 2 positional arguments; expected at most 1; write pt.fit(model=model, data=(x, y)), or "
            "pt.fit(recipe) with the name of a recipe",
        ),
        (
            lambda: pt.fit(model=pt.nn.Linear(3, 2), data=([1.0], [1]), batch=8),
            "[fit] received batch; expected batch_size; write pt.fit(..., batch_size=64)",
        ),
        (
            lambda: pt.fit(model=pt.nn.Linear(3, 2), x=[1.0], y=[1]),
            "[fit] received x; expected data; write pt.fit(..., data=(x, y))",
        ),
    ],
)
def test_what_others_write_is_answered_with_the_line_to_write(call: Any, text: str) -> None:
    with pytest.raises(pt.Error) as caught:
        call()
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: bool(x > 0),
         "[bool] received bool[2, 3]; expected one element; write x.any() or x.all(), or compare one element"),
        (lambda x: x == None, "[equal] b is None; expected a tensor; write x is None"),  # noqa: E711
        (lambda x: x != None, "[not_equal] b is None; expected a tensor; write x is not None"),  # noqa: E711
        (lambda x: setattr(x, "shape", (3, 2)), "[Tensor] shape = (3, 2); expected no assignment to an attribute of a "
         "tensor; write x = x.reshape(shape)"),
        (lambda x: setattr(x, "dtype", pt.int32), "[Tensor] dtype = 'int32'; expected no assignment to an attribute of "
         "a tensor; write x = x.astype(dtype)"),
        (lambda x: setattr(pt.nn.Parameter(x), "value", x.T), "[slot] received f32[3, 2]; expected f32[2, 3]; reshape "
         "the value, or make another slot"),
        (lambda x: setattr(pt.nn.Parameter(x), "requires_grad", True), "[slot] requires_grad; expected a name of Slot; "
         "write model.freeze(pattern) or model.unfreeze(pattern), slot.trainable to ask"),
    ],
)  # fmt: skip
def test_what_numpy_and_pytorch_do_with_a_tensor_is_answered(call: Callable[[pt.Tensor], object], text: str) -> None:
    with pytest.raises(pt.Error) as caught:
        call(pt.ones((2, 3)))
    assert str(caught.value) == text


def test_a_dtype_makes_no_tensor() -> None:
    with pytest.raises(pt.DTypeError) as caught:
        pt.float32(3)  # type: ignore[operator]
    assert str(caught.value) == (
        "[float32] received a call of a dtype; expected a function that makes a tensor; write pt.tensor(data, "
        "dtype='float32') or x.astype('float32')"
    )
