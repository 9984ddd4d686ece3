"""Layers: linear, convolution, pooling, embedding, dropout, and activations as modules. Images are NHWC."""

from __future__ import annotations

from typing import Any, Literal

import powertrain as pt
from powertrain.nn import init
from powertrain.nn.module import Module, Parameter
from powertrain.row_sparse import look_up

Pair = int | tuple[int, int]


def pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def check_groups(where: str, inputs: int, outputs: int, groups: int) -> None:
    """Of a convolution."""
    if inputs % groups or outputs % groups:
        raise pt.ShapeError(
            f"[{where}] {inputs} to {outputs} channels in {groups} groups; expected channels that are multiples of "
            "groups; change groups"
        )


def checked_share(where: str, p: float) -> float:
    """Of what a dropout sets to zero."""
    if not 0 <= p < 1:
        raise pt.ShapeError(f"[{where}] p = {p}; expected 0 <= p < 1; 0.1 is usual")
    return p


class Linear(Module):
    """x @ weight + bias, with weight (in, out).

    Both are uniform in +-1/sqrt(in); with `std`, the weight is normal(0, std) and the bias zero.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = True,
        *,
        std: float | None = None,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        if std is None:
            self.weight = Parameter(init.uniform_fan_in((inputs, outputs), inputs, generator))
            self.bias = Parameter(init.uniform_fan_in((outputs,), inputs, generator)) if bias else None
        else:
            self.weight = Parameter(init.normal((inputs, outputs), std, generator=generator))
            self.bias = Parameter(init.zeros((outputs,))) if bias else None

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return (1, 0) if name == "weight" else None

    def forward(self, x: Any) -> pt.Tensor:
        return pt.linear(x, self.weight, self.bias)


class Conv2d(Module):
    """Convolution of [batch, height, width, channels]; weight (kernel height, kernel width, in / groups, out)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        check_groups("Conv2d", inputs, outputs, groups)
        height, width = pair(kernel)
        fan_in = height * width * (inputs // groups)
        self.weight = Parameter(init.uniform_fan_in((height, width, inputs // groups, outputs), fan_in, generator))
        self.bias = Parameter(init.uniform_fan_in((outputs,), fan_in, generator)) if bias else None
        self.stride, self.padding, self.dilation, self.groups = pair(stride), pair(padding), pair(dilation), groups

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return (2, 3, 1, 0) if name == "weight" else None

    def forward(self, x: Any) -> pt.Tensor:
        return pt.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class MaxPool2d(Module):
    """The largest value of each window; the stride is the window by default."""

    def __init__(
        self,
        window: Pair,
        stride: Pair | None = None,
        padding: Pair = 0,
        dilation: Pair = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.window, self.padding, self.dilation = pair(window), pair(padding), pair(dilation)
        self.stride = self.window if stride is None else pair(stride)
        self.ceil_mode = ceil_mode

    def forward(self, x: Any) -> pt.Tensor:
        return pt.max_pool2d(x, self.window, self.stride, self.padding, self.dilation, self.ceil_mode)


class AvgPool2d(Module):
    """The mean of each window; the stride is the window by default, and `count_padding` says whether padding counts."""

    def __init__(
        self,
        window: Pair,
        stride: Pair | None = None,
        padding: Pair = 0,
        count_padding: bool = True,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.window, self.padding = pair(window), pair(padding)
        self.stride = self.window if stride is None else pair(stride)
        self.count_padding, self.ceil_mode = count_padding, ceil_mode

    def forward(self, x: Any) -> pt.Tensor:
        return pt.avg_pool2d(x, self.window, self.stride, self.padding, self.count_padding, self.ceil_mode)


class GlobalAveragePool(Module):
    """The mean over height and width: [batch, height, width, channels] to [batch, channels]."""

    def forward(self, x: Any) -> pt.Tensor:
        return pt.mean(x, axis=(1, 2))


class Flatten(Module):
    """Each example as one row."""

    def forward(self, x: Any) -> pt.Tensor:
        return pt.reshape(x, (x.shape[0], -1))


class Embedding(Module):
    """Rows of a table by index; the table is normal(0, 1). The row `padding_index`, if any, is zero and stays so.

    With `sparse` the table's gradient has the rows that were looked up alone, and a compiled step of SGD, Adagrad or
    SparseAdam costs what these rows cost, however long the table is.
    """

    def __init__(
        self,
        count: int,
        width: int,
        std: float = 1.0,
        *,
        padding_index: int | None = None,
        sparse: bool = False,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        table = init.normal((count, width), std, generator=generator)
        if padding_index is not None:
            if not 0 <= padding_index < count:
                raise pt.ShapeError(
                    f"[Embedding] padding_index = {padding_index}; expected a row of {count}; 0 is usual"
                )
            table = pt.where(pt.equal(pt.reshape(pt.arange(count), (count, 1)), padding_index), 0.0, table)
        self.weight = Parameter(table)
        self.weight.sparse = sparse
        self.padding_index = padding_index

    def forward(self, index: Any) -> pt.Tensor:
        rows = look_up(index, self.weight)
        if self.padding_index is None:
            return rows
        return pt.where(pt.equal(pt.expand_dims(index, -1), self.padding_index), pt.stop_gradient(rows), rows)


class Dropout(Module):
    """In training, each element is 0 with probability p and else divided by 1 - p; in evaluation nothing happens.

    Draws come from the default generator (Srivastava et al. 2014).
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = checked_share("Dropout", p)

    def forward(self, x: Any) -> Any:
        return pt.dropout(x, self.p) if self.training and self.p > 0 else x


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Any) -> pt.Tensor:
        return pt.relu(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Any) -> pt.Tensor:
        return pt.tanh(x)


class Sigmoid(Module):
    """1 / (1 + e^-x)."""

    def forward(self, x: Any) -> pt.Tensor:
        return pt.sigmoid(x)


class SiLU(Module):
    """x * sigmoid(x)."""

    def forward(self, x: Any) -> pt.Tensor:
        return pt.silu(x)


class GELU(Module):
    """x * Phi(x), by erf, or by the tanh form that GPT-2 uses."""

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, x: Any) -> pt.Tensor:
        return pt.gelu(x, approximate=self.approximate)
