"""Kernels in Python, compiled by Numba to functions of the C ABI. Numba is an extra: imported when one is planned.

Numba has no structs of pointers, so a call's description is read as what it is: words of eight bytes.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from powertrain.plugin.kernels.library import SourceError
from powertrain.plugin.params import parameters

if TYPE_CHECKING:
    from powertrain.plugin.kernels.kernel import Kernel, Typed

# PtCall and PtTensor of powertrain.h, in words.
INPUTS, OUTPUTS, ATTRIBUTES, BEGIN, END = 2, 3, 4, 5, 6
TENSOR_WORDS, DATA, SHAPE = 6, 0, 3
ATTRIBUTE_WORDS, VALUE = 3, 2


class Numba:
    """A Python function that Numba compiles, for each dtype when it is first needed.

    Elementwise, it maps numbers to a number: `f(x, limit)`, inputs and then parameters. Otherwise it fills arrays:
    `f(x, w, y, eps)`, inputs, outputs and then parameters (numbers alone), with `begin, end` before the parameters if
    the kernel is declared with split=True; it may return a number other than 0 to fail.

    Example
        >>> import math
        >>> source = pt.plugin.Numba(lambda x, limit: limit * math.tanh(x / limit))
        >>> source.dtypes
        ('float32', 'float64')
    """

    def __init__(self, function: Callable[..., object], dtypes: Sequence[str] = ("float32", "float64")) -> None:
        self.function, self.dtypes = function, tuple(dtypes)
        self._made: dict[Any, Any] = {}

    def address(self, kernel: Kernel[object], operands: Sequence[Typed]) -> int:
        key = tuple((len(shape), dtype) for shape, dtype in operands)
        if key not in self._made:
            try:
                self._made[key] = _elementwise(self, kernel, key) if kernel.elementwise else _whole(self, kernel, key)
            except ImportError as error:
                raise SourceError(
                    "no-numba",
                    f"[kernel {kernel.name}] Numba cannot be imported ({error}); expected it, since the kernel is "
                    "compiled by it; pip install 'powertrain[numba]'",
                ) from error
            except Exception as error:
                lines = [line.strip() for line in str(error).splitlines() if line.strip()]
                # The first line of Numba's says where it was, not why.
                said = " ".join(lines[:2]) or type(error).__name__
                raise SourceError(
                    "not-compiled",
                    f"[kernel {kernel.name}] Numba cannot compile {self.function.__name__}: {said}; expected what "
                    "numba.njit takes; try that on the function alone",
                ) from error
        return int(self._made[key].address)


@functools.cache
def _tools() -> Any:
    """What reads memory at an address, as functions that Numba compiles."""
    numba: Any = importlib.import_module("numba")
    ir: Any = importlib.import_module("llvmlite.ir")
    core: Any = importlib.import_module("numba.core")
    extending: Any = importlib.import_module("numba.extending")
    cgutils, types, overload = core.cgutils, core.types, extending.overload

    def pointer_to(kind: Any) -> Any:
        def pointer(typing: Any, address: Any) -> Any:
            def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

            return types.CPointer(kind)(types.int64), generate

        return extending.intrinsic(pointer)

    def shape_of(count: int) -> Any:
        def shape(typing: Any, words: Any) -> Any:
            def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                at = [cgutils.gep(builder, arguments[0], index) for index in range(count)]
                sizes = [builder.load(one) for one in at]
                return context.make_tuple(builder, signature.return_type, sizes)

            return types.UniTuple(types.int64, count)(types.CPointer(types.int64)), generate

        return extending.intrinsic(shape)

    def numbers_of(count: int, kind: Any) -> Any:
        """The first numbers behind a pointer to float64, as numbers of the kernel's dtype."""

        def numbers(typing: Any, first: Any) -> Any:
            def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                at = [cgutils.gep(builder, arguments[0], index) for index in range(count)]
                values = [builder.load(one) for one in at]
                if kind == types.float32:
                    values = [builder.fptrunc(value, ir.FloatType()) for value in values]
                return context.make_tuple(builder, signature.return_type, values)

            return types.UniTuple(kind, count)(types.CPointer(types.float64)), generate

        return extending.intrinsic(numbers)

    def status(value: Any) -> Any:
        """What a function returned, as a status: nothing is success."""

    def success(value: Any) -> Any:
        return 0

    def itself(value: Any) -> Any:
        return value

    def status_of(value: Any) -> Any:
        return success if isinstance(value, types.NoneType) else itself

    overload(status)(status_of)
    return SimpleNamespace(
        numba=numba, types=types, pointer_to=pointer_to, shape_of=shape_of, numbers_of=numbers_of, status=status
    )


def _compiled(source: Numba) -> Any:
    # Division by zero gives infinity, as in C; an exception could not leave a kernel.
    return _tools().numba.njit(error_model="numpy")(source.function)


def _elementwise(source: Numba, kernel: Kernel[object], key: Any) -> Any:
    tools, types = _tools(), _tools().types
    kind = getattr(types, key[0][1])
    inner, numbers = _compiled(source), tools.numbers_of(len(parameters(kernel.Params)), kind)

    def one(n: int, out: Any, inputs: Any, attributes: Any) -> None:
        constants, a = numbers(attributes), inputs[0]
        for i in range(n):
            out[i] = inner(a[i], *constants)

    def two(n: int, out: Any, inputs: Any, attributes: Any) -> None:
        constants, a, b = numbers(attributes), inputs[0], inputs[1]
        for i in range(n):
            out[i] = inner(a[i], b[i], *constants)

    def three(n: int, out: Any, inputs: Any, attributes: Any) -> None:
        constants, a, b, c = numbers(attributes), inputs[0], inputs[1], inputs[2]
        for i in range(n):
            out[i] = inner(a[i], b[i], c[i], *constants)

    pointer = types.CPointer(kind)
    signature = types.void(types.int64, pointer, types.CPointer(pointer), types.CPointer(types.float64))
    return tools.numba.cfunc(signature, error_model="numpy")((one, two, three)[len(kernel.inputs) - 1])


def _whole(source: Numba, kernel: Kernel[object], key: Any) -> Any:
    tools, types, n_inputs = _tools(), _tools().types, len(kernel.inputs)
    njit, inner, split = tools.numba.njit, _compiled(source), kernel.split
    status = tools.status
    # One function adds one argument to those of the function before it.
    collect = njit(lambda call: ())
    for index, (ndim, dtype) in enumerate(key):
        side, at = (INPUTS, index) if index < n_inputs else (OUTPUTS, index - n_inputs)
        collect = _with_array(collect, side, at, ndim, getattr(types, "boolean" if dtype == "bool" else dtype))
    if split:
        arrays = collect
        collect = njit(lambda call: arrays(call) + (call[BEGIN], call[END]))  # noqa: RUF005
    for index, field in enumerate(parameters(kernel.Params)):
        collect = _with_number(collect, index, field.type is float)

    def whole(call: Any) -> Any:
        return status(inner(*collect(call)))

    return tools.numba.cfunc(types.int32(types.CPointer(types.int64)), error_model="numpy")(whole)


def _with_array(before: Any, side: int, at: int, ndim: int, kind: Any) -> Any:
    tools = _tools()
    carray, words, shape = tools.numba.carray, tools.pointer_to(tools.types.int64), tools.shape_of(ndim)
    elements = tools.pointer_to(kind)

    def collect(call: Any) -> Any:
        tensor = words(call[side] + 8 * TENSOR_WORDS * at)
        array = carray(elements(tensor[DATA]), shape(words(tensor[SHAPE])))
        return before(call) + (array,)  # noqa: RUF005

    return tools.numba.njit(collect)


def _with_number(before: Any, index: int, real: bool) -> Any:
    tools = _tools()
    words = tools.pointer_to(tools.types.float64 if real else tools.types.int64)

    def collect(call: Any) -> Any:
        number = words(call[ATTRIBUTES] + 8 * (ATTRIBUTE_WORDS * index + VALUE))[0]
        return before(call) + (number,)  # noqa: RUF005

    return tools.numba.njit(collect)
