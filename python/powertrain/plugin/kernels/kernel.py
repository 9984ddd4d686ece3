"""A kernel plugin: forward, gradient, shape rule, reference, cases and cost in one object, which is called like an op.

It becomes an op of the engine when it is first called. Eager calls, traced steps, gradients, the arena and the thread
pool treat it like the engine's own. An elementwise one is fused with its neighbours.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
import math
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol

from powertrain import _core
from powertrain.errors.arguments import shown
from powertrain.plugin.kernels.cuda import Cuda, DeviceCode
from powertrain.plugin.params import NoParams, Parameter, parameters

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from powertrain import Tensor
    from powertrain.typing import TensorLike

    # What a call gives: one tensor, where nothing says that there are several.
    R = TypeVar("R", default=Tensor, covariant=True)
else:
    from typing import TypeVar

    R = TypeVar("R", covariant=True)

Shape = tuple[int, ...]
Typed = tuple[Shape, str]  # a shape and the name of a dtype
KINDS = ("float", "number", "integer")
ATTRIBUTES: dict[Any, str] = {bool: "bool", int: "int", float: "float", str: "str", tuple[int, ...]: "ints"}
MOST_INPUTS = 64
MOST_ELEMENTWISE = 3  # inputs of an elementwise kernel


class KernelCode(Protocol):
    """Where the code of a kernel comes from: `CLibrary` or `Numba`."""

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes for which there is a function."""

    def address(self, kernel: Kernel[object], operands: Sequence[Typed]) -> int:
        """The address of the function for these inputs and outputs; elementwise, for one element of a dtype."""


class Case:
    """Inputs to try a kernel with, as arrays, and its parameters.

    Example
        >>> from powertrain.plugin import Case
        >>> len(Case(np.ones((2, 3))).inputs)
        1
    """

    def __init__(self, *inputs: TensorLike, **params: object) -> None:
        self.inputs, self.params = inputs, params


@dataclass(frozen=True)
class Facts:
    """What the engine is told of a kernel; read by `kernel_function` of the core."""

    name: str
    inputs: list[tuple[str, str]]
    attrs: list[tuple[str, str, Any, bool, Callable[[Any], str] | None]]
    outputs: int
    elementwise: bool
    split: bool
    doc: str
    shape: Callable[[Sequence[Typed], Mapping[str, Any]], list[Typed]]
    cost: Callable[[Sequence[Typed], Mapping[str, Any]], float]
    function: Callable[[Sequence[Typed]], int]
    vjp: Callable[..., Sequence[Any]] | None
    compose: Callable[..., Sequence[Any]] | None
    reference: Callable[..., Sequence[Any]] | None
    device_dtypes: list[str]
    device_kernel: Callable[[Mapping[str, Any], int], DeviceCode]


class Kernel(Generic[R]):
    """A kernel of one's own. `powertrain plugins check` holds it to what it says here.

    name        what errors and profiles call it
    forward     its code: `CLibrary` or `Numba`
    inputs      names, or a table of names and kinds: "float" (the default; integers are computed in float32), "number",
                "integer" (an index, outside the promotion of the others to one dtype)
    outputs     how many; for a checker of types, `Kernel[tuple[Tensor, Tensor]]` gives two
    params      a frozen dataclass (`powertrain.plugin.param` for ranges): bool, int, float, str, tuple[int, ...]; of
                an elementwise kernel numbers alone
    elementwise each element of the one output from the same element of each input, which broadcast; fused
    split       rows of the outputs (indices of their first axis) can be computed apart, so that threads share them
    shape       `shape(*shapes, **params)` gives the shape of the output, or a list of one for each; without it, the
                first input's
    dtypes      of the outputs; without it, the inputs'
    vjp         `vjp(inputs, outputs, grads, **params)` gives a gradient for each input, or None, by ops or other
                kernels; "reference" differentiates the reference; None makes a gradient through it an error
    reference   `reference(*inputs, **params)`, the same in ops of the engine; on a GPU it stands in for a kernel
                without `cuda`, and for dtypes that `cuda` is not for
    cases       what to try it with; an elementwise kernel has some of its own
    flops       operations of an element of the first output, or `flops(*shapes, **params)` of a whole call
    cuda        its code for GPUs: `Cuda(source, function)`, or `Cuda.of(cupy.RawKernel(...))`

    Example
        >>> import importlib.util
        >>> halved = lambda x: x / 2
        >>> half = pt.plugin.Kernel("half", pt.plugin.Numba(halved), elementwise=True, reference=halved)
        >>> if importlib.util.find_spec("numba"):
        ...     assert half(pt.tensor([3.0])).tolist() == [1.5]
    """

    expected = "the name of a kernel"  # where a recipe's parameter may be one

    def __init__(
        self,
        name: str,
        forward: KernelCode,
        *,
        inputs: Sequence[str] | Mapping[str, str] = ("x",),
        outputs: int = 1,
        params: type = NoParams,
        elementwise: bool = False,
        split: bool = False,
        shape: Callable[..., object] | None = None,
        dtypes: Sequence[str] | None = None,
        vjp: Callable[..., object] | Literal["reference"] | None = None,
        reference: Callable[..., object] | None = None,
        cases: Sequence[Case] | Callable[[], Sequence[Case]] = (),
        flops: float | Callable[..., float] = 1.0,
        cuda: Cuda | None = None,
        doc: str = "",
    ) -> None:
        self.name, self.forward, self.outputs = name, forward, outputs
        first = itertools.islice(inputs, MOST_INPUTS + 1)  # one too many is refused, and so are a million
        self.inputs = dict(inputs) if isinstance(inputs, Mapping) else dict.fromkeys(first, "float")
        self.Params, self.elementwise, self.split = params, elementwise, split
        self.shape, self.dtypes, self.vjp, self.reference = shape, dtypes, vjp, reference
        self.flops, self.cuda, self.__doc__ = flops, cuda, doc or f"The kernel {name}."
        self._cases, self._chosen = cases, dict[str, Any]()
        self._check()

    def __call__(self, *inputs: TensorLike, **params: object) -> R:
        return self.op(*inputs, **{**self._chosen, **params})

    def chosen(self, **params: object) -> Kernel[R]:
        """The same kernel with parameters of its own instead of the defaults."""
        _ = self.op  # made once, for both
        other = copy.copy(self)
        other._chosen = {**self._chosen, **params}
        return other

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"

    @functools.cached_property
    def op(self) -> Callable[..., R]:
        """The op that the engine makes of it."""
        return _core.kernel_function(self.facts())

    def cases(self) -> list[Case]:
        return list(self._cases() if callable(self._cases) else self._cases)

    def facts(self) -> Facts:
        outputs = 1 if self.elementwise else self.outputs
        compose = self._compose if self.vjp == "reference" else None
        return Facts(
            name=self.name,
            inputs=list(self.inputs.items()),
            attrs=[_attribute(field) for field in parameters(self.Params)],
            outputs=outputs,
            elementwise=self.elementwise,
            split=self.split,
            doc=(self.__doc__ or "").strip(),
            shape=self._shape,
            cost=self._cost,
            function=self._function,
            vjp=self._vjp if callable(self.vjp) else None,
            compose=compose,
            reference=self._compose if self.reference is not None else None,
            device_dtypes=[self.cuda.dtype] if self.cuda is not None else [],
            device_kernel=self._device_kernel,
        )

    def refuse_dtype(self, dtype: str) -> _core.DTypeError:
        """The error of a dtype for which there is no function."""
        known = " or ".join(self.forward.dtypes)
        return _core.DTypeError(
            f"[{self.name}] received {dtype}; expected {known}, for which it has functions; convert it with astype"
        )

    def _check(self) -> None:
        def refuse(received: str, expected: str, fix: str) -> None:
            raise _core.KernelError(f"[kernel {self.name}] {received}; expected {expected}; {fix}")

        if len(self.inputs) > MOST_INPUTS:
            refuse(f"it has more than {MOST_INPUTS} inputs", "fewer", "pack some of them into one array")
        for name, kind in self.inputs.items():
            if not isinstance(name, str):
                refuse(f"an input is {shown(name)}", "the name of each input", 'for example inputs=("x",)')
            if kind not in KINDS:
                refuse(f"the input {name} is of kind {kind}", f"one of {', '.join(KINDS)}", "choose one")
        if not (isinstance(self.Params, type) and dataclasses.is_dataclass(self.Params)):
            refuse(f"params is {shown(self.Params)}", "a frozen dataclass", "see powertrain.plugin.param")
        for field in parameters(self.Params):
            if field.type not in ATTRIBUTES:
                words = ", ".join(str(getattr(kind, "__name__", kind)) for kind in ATTRIBUTES)
                refuse(f"the parameter {field.name} is {field.type}", f"one of {words}", "choose one")
        if self.elementwise and (self.outputs != 1 or len(self.inputs) > MOST_ELEMENTWISE or self.shape or self.split):
            refuse(
                "it is elementwise, with a shape rule, a split, several outputs or more than three inputs",
                f"one output and up to {MOST_ELEMENTWISE} inputs that broadcast, which needs no rule",
                "leave shape, split and outputs out, or elementwise",
            )
        if self.elementwise and callable(self.flops):
            refuse("flops is a function", "a number, of each element, for an elementwise kernel", "pass a number")
        if self.cuda is not None and any(field.type not in (bool, int, float) for field in parameters(self.Params)):
            refuse("it has cuda= and a parameter that is not a number", "bool, int and float", "make it a number")
        if self.vjp == "reference" and self.reference is None:
            refuse('vjp = "reference" without a reference', "one in ops", "pass reference=")

    def _shape(self, inputs: Sequence[Typed], params: Mapping[str, Any]) -> list[Typed]:
        dtype = self.dtype_of(inputs)
        if dtype not in self.forward.dtypes:
            raise self.refuse_dtype(dtype)
        shapes = [shape for shape, _ in inputs]
        made: Any = self.shape(*shapes, **params) if self.shape else shapes[0]
        several = isinstance(made, list)
        wanted = [tuple(one) for one in made] if several else [tuple(made)]
        bad = any(not isinstance(size, int) or size < 0 for one in wanted for size in one)
        if len(wanted) != self.outputs or bad:
            raise _core.ShapeError(
                f"[{self.name}] its shape rule gave {made}; expected "
                + ("a tuple of sizes" if self.outputs == 1 else f"a list of {self.outputs} tuples of sizes")
                + "; fix the rule"
            )
        return list(zip(wanted, self.dtypes or [dtype] * len(wanted), strict=True))

    def dtype_of(self, operands: Sequence[Typed]) -> str:
        """What chooses the function: the common dtype of the inputs that are promoted, else that of the first."""
        kinds = self.inputs.values()
        promoted = [dtype for (_, dtype), kind in zip(operands, kinds, strict=False) if kind != "integer"]
        return promoted[0] if promoted else operands[0][1]

    def _function(self, operands: Sequence[Typed]) -> int:
        dtype = self.dtype_of(operands)
        if dtype not in self.forward.dtypes:
            raise self.refuse_dtype(dtype)
        return self.forward.address(self, operands)

    def _cost(self, inputs: Sequence[Typed], params: Mapping[str, Any]) -> float:
        if not callable(self.flops):
            if self.elementwise:
                return float(self.flops)
            return float(self.flops) * math.prod(self._shape(inputs, params)[0][0])
        return float(self.flops(*(shape for shape, _ in inputs), **params))

    def _device_kernel(self, params: Mapping[str, Any], device: int) -> DeviceCode:
        assert self.cuda is not None
        return self.cuda.on(device, params)

    def _vjp(self, inputs: Any, outputs: Any, grads: Any, params: Mapping[str, Any]) -> Sequence[Any]:
        made = typing.cast(Callable[..., Any], self.vjp)(tuple(inputs), tuple(outputs), tuple(grads), **params)
        return made if isinstance(made, (tuple, list)) else (made,)

    def _compose(self, inputs: Any, params: Mapping[str, Any]) -> Sequence[Any]:
        assert self.reference is not None
        made = self.reference(*inputs, **params)
        return made if isinstance(made, (tuple, list)) else (made,)


def _attribute(field: Parameter) -> tuple[str, str, Any, bool, Callable[[Any], str] | None]:
    """(name, kind, default, whether it has one, what to expect of a value that is outside of the range)."""
    bounded = bool(field.range.words() or field.range.choices)

    def expected(value: Any) -> str:
        if field.range.choices is not None and value not in field.range.choices:
            return "one of " + ", ".join(str(choice) for choice in field.range.choices)
        numbers = value if isinstance(value, tuple) else (value,)
        return "" if all(field.range.holds(number) for number in numbers) else f"a number {field.range.words()}"

    default = None if field.required else field.default
    return field.name, ATTRIBUTES[field.type], default, not field.required, expected if bounded else None
