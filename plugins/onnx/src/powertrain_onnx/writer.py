"""What the rules of ops write with: nodes, initializers, and operands that are constants until somebody reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

import powertrain as pt
from powertrain import plugin
from powertrain_onnx.errors import OnnxError
from powertrain_onnx.program import Dim, Rows, Value

OPSET = 20  # of 2023: Gelu is an operator from here on
IR_VERSION = 9
# Beyond the end of every axis, for Slice.
END = np.iinfo(np.int64).max
BEFORE = np.iinfo(np.int64).min

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Call(plugin.Call):
    """What a rule is told beside its operands; sizes may be those of the batch."""

    results: tuple[Value, ...]  # type: ignore[assignment]
    where: str = ""

    if TYPE_CHECKING:

        @property
        def shape(self) -> tuple[Dim, ...]: ...  # type: ignore[override]

    def refused(self, why: str) -> OnnxError:
        at = f" at {self.where}" if self.where else ""
        return OnnxError(f"[onnx] {self.op}{at}: {why}")


@dataclass(frozen=True)
class Operand:
    """A value of the program: the name that it has in the file, or a tensor that is known already."""

    value: Value
    name: str = ""
    tensor: pt.Tensor | None = None
    hint: str = ""  # what an initializer of it is called
    call: Call | None = None  # that made it,
    inputs: tuple[Operand | None, ...] = ()  # of these

    @property
    def array(self) -> Array:
        """Of a known one."""
        assert self.tensor is not None
        return self.tensor.numpy()

    @property
    def known(self) -> bool:
        """Whether the tensor is all of it: of a constant as long as the batch it is one row."""
        return self.tensor is not None and not self.name

    @property
    def shape(self) -> tuple[Dim, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

    @property
    def dtype(self) -> str:
        return self.value.dtype


Input: TypeAlias = "Operand | Array | str | None"


class Writer:
    """The nodes and initializers of one graph."""

    def __init__(self, first: str, hints: Mapping[tuple[int, int], str]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, Array] = {}
        self._first = first  # an input, of which the batch size is read
        self._hints = hints  # names of slots, by where their numbers lie
        self._names: Counter[str] = Counter()
        self._held: dict[tuple[str, str, tuple[int, ...], bytes], str] = {}
        self._transposed: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._rows = ""
        self._called: dict[str, str] = {}  # names that were given for others, at the end
        self.call = Call("", {}, ())  # whose rule is writing

    def fresh(self, hint: str) -> str:
        """A name that nothing has."""
        self._names[hint] += 1
        return hint if self._names[hint] == 1 else self.fresh(f"{hint}_{self._names[hint]}")

    # ------------------------------------------------------------ nodes

    def node(self, op: str, *inputs: Input, **attributes: Any) -> str:
        """A node of one result, whose name it gives."""
        return self.several(op, 1, *inputs, **attributes)[0]

    def several(self, op: str, results: int, *inputs: Input, **attributes: Any) -> list[str]:
        names = [self.name(one) for one in inputs]
        while names and not names[-1]:
            names.pop()
        label = self.fresh(f"{self.call.op or 'graph'}/{op}")
        outputs = [f"{label}:{at}" if results > 1 else label for at in range(results)]
        given = {name: value for name, value in attributes.items() if value is not None}
        made = helper.make_node(op, names, outputs, name=label, **given)
        if self.call.where:
            made.doc_string = self.call.where
        self.nodes.append(made)
        return outputs

    def name(self, given: Input) -> str:
        """What a value is called in the file; nothing of an input that is left out."""
        if given is None or isinstance(given, str):
            return given or ""
        if isinstance(given, np.ndarray):
            return self.constant(given)
        if not given.known:
            return given.name
        return self.constant(given.array, given.hint or self.hint_of(given.array))

    def hint_of(self, array: Array) -> str:
        """The name of the slot whose numbers an array is a view of."""
        return self._hints.get((array.__array_interface__["data"][0], array.nbytes), "")

    def constant(self, array: Array, hint: str = "") -> str:
        """The name of an initializer. Equal numbers are one, but for weights, which may become different ones."""
        held = np.ascontiguousarray(array)
        key = (hint, held.dtype.str, array.shape, held.tobytes())
        if key not in self._held:
            self._held[key] = name = self.fresh(hint or "constant")
            self.initializers[name] = held.reshape(array.shape)
        return self._held[key]

    # ------------------------------------------------------------ shapes

    def rows(self, times: int = 1) -> str:
        """`times` the batch size, int64[1]."""
        if not self._rows:
            self._rows = self.node("Slice", self.node("Shape", self._first), ints(0), ints(1))
        return self._rows if times == 1 else self.node("Mul", self._rows, ints(times))

    def shape(self, shape: Sequence[Dim]) -> str:
        """A shape as int64[axes]; what depends on the batch is computed."""
        if all(isinstance(size, int) for size in shape):
            return self.constant(ints(*shape))
        parts = [self.rows(size.times) if isinstance(size, Rows) else self.constant(ints(size)) for size in shape]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def reshape(self, x: Input, shape: Sequence[Dim]) -> str:
        if sum(isinstance(size, Rows) for size in shape) <= 1 and 0 not in shape:
            return self.node("Reshape", x, ints(*(-1 if isinstance(size, Rows) else size for size in shape)))
        return self.node("Reshape", x, self.shape(shape), allowzero=1)

    def expand(self, x: Input, of: Sequence[Dim], shape: Sequence[Dim]) -> str:
        """Broadcast, `of` being the shape of x. Sizes that x has already need not be said."""
        if tuple(of) == tuple(shape):
            return self.name(x)
        lead = len(shape) - len(of)
        wanted = [1 if at >= lead and of[at - lead] == size else size for at, size in enumerate(shape)]
        return self.node("Expand", x, self.shape(wanted))

    def transpose(self, x: Input, axes: Sequence[int]) -> str:
        """Axes in another order; of a known operand at once, and of a transpose as one."""
        axes = tuple(axes)
        if isinstance(x, Operand) and x.known:
            return self.constant(x.array.transpose(axes), x.hint or self.hint_of(x.array))
        source = self.name(x)
        if source in self._transposed:
            source, before = self._transposed[source]
            axes = tuple(before[axis] for axis in axes)
        if axes == tuple(range(len(axes))):
            return source
        made = self.node("Transpose", source, perm=list(axes))
        self._transposed[made] = (source, axes)
        return made

    def pointwise(self, op: str, *operands: Operand) -> str:
        """A node of one element at a time. Behind a transpose it stands before it, so that convolutions meet."""
        turned = [self._transposed.get(one.name) if not one.known else None for one in operands]
        orders = {found[1] for found in turned if found is not None}
        if len(orders) != 1:
            return self.node(op, *operands)
        (axes,) = orders
        inputs: list[Input] = []
        for one, found in zip(operands, turned, strict=True):
            if found is None and not (one.known and one.ndim <= len(axes)):
                return self.node(op, *operands)
            inputs.append(found[0] if found is not None else self._turned_back(one, axes))
        return self.transpose(self.node(op, *inputs), axes)

    def _turned_back(self, x: Operand, axes: tuple[int, ...]) -> Input:
        """A constant that is broadcast, with its axes as they were before a transpose."""
        if x.ndim == 0:
            return x
        whole = x.array.reshape((1,) * (len(axes) - x.ndim) + x.array.shape)
        return self.constant(whole.transpose(np.argsort(axes)), x.hint or self.hint_of(x.array))

    def cast(self, x: Input, dtype: str) -> str:
        return self.node("Cast", x, to=onnx_dtype(dtype))

    # ------------------------------------------------------------ the end

    def called(self, name: str, wanted: str) -> str:
        """Give what a node made another name, or a copy where that cannot be: of inputs, constants and outputs."""
        label = self.fresh(wanted)
        made = name not in self._called.values() and any(name in node.output for node in self.nodes)
        if not made:
            self.nodes.append(helper.make_node("Identity", [name], [label], name=f"output/{label}"))
            return label
        for node in self.nodes:
            for names in (node.input, node.output):
                for at, one in enumerate(names):
                    if one == name:
                        names[at] = label
        self._called[name] = label
        return label

    def now(self, name: str) -> str:
        """What a name has become."""
        return self._called.get(name, name)

    def graph(self, inputs: Sequence[Any], outputs: Sequence[Any], name: str) -> onnx.GraphProto:
        """The graph of what the outputs depend on."""
        used = {output.name for output in outputs}
        kept = []
        for node in reversed(self.nodes):
            if used.intersection(node.output):
                kept.append(node)
                used.update(node.input)
        tensors = [numpy_helper.from_array(array, key) for key, array in self.initializers.items() if key in used]
        return helper.make_graph(list(reversed(kept)), name, list(inputs), list(outputs), tensors)


def ints(*numbers: Any) -> Array:
    return np.array(numbers, dtype=np.int64)


def onnx_dtype(dtype: str) -> int:
    """ONNX's number of a dtype."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
