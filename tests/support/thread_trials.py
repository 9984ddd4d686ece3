"""Random calls of every family of kernels, on 1 to 16 threads: near float64, and the same bits for any threads.

How a launch is cut follows the threads, so a shape may be wrong with some counts alone. Run as a program it examines
trials of one family: `python thread_trials.py products 1,2,7 0 12` prints a line for each (fuzz_children.py).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import fuzz_children
import powertrain as pt
import powertrain.nn.functional as F
from calls import outputs, to_array, to_tensor
from images import convolve, positions
from kit import Array, Case, case_files, integers, normal, round_to, uniform
from oracles import EPS, check, same_bits
from quantized import bytes_of, packed

Rng = np.random.Generator
Results = list[Any]
ALL_THREADS = tuple(range(1, 17))
FILES = case_files()


@dataclass(frozen=True)
class Trial:
    """A call of float inputs, with its float64 answer and the size of what was summed; None without an answer."""

    told: str
    function: Callable[..., Results]
    given: list[Array]
    dtype: str
    want: list[Array | None]
    size: list[Array | None]
    k: float
    layouts: Sequence[str]

    def run(self, given: Sequence[Array] | None = None) -> Results:
        pairs = zip(given or self.given, self.layouts, strict=False)
        return self.function(*[laid_out(x, self.dtype, layout) for x, layout in pairs])


ROW_MAJOR = ("row-major",) * 8


def any_layouts(rng: Rng) -> list[str]:
    return [str(choice(rng, "row-major", "turned", "every second column")) for _ in ROW_MAJOR]


def laid_out(x: Array, dtype: str, layout: str) -> pt.Tensor:
    """A tensor that is a view of other memory, where it has two axes."""
    if x.ndim > 1 and layout == "turned":
        return pt.swapaxes(to_tensor(np.ascontiguousarray(x.swapaxes(-1, -2)), dtype), -1, -2)
    if x.ndim > 1 and layout == "every second column":
        return to_tensor(np.repeat(x, 2, axis=-1), dtype)[..., ::2]
    return to_tensor(x, dtype)


def trial_of(op: str, case: Case, dtype: str, layouts: Sequence[str] = ROW_MAJOR, k: float = 0) -> Trial:
    """A call as the case file of an op describes it."""
    inputs, rest = case.make(dtype)
    flat = [x for value in inputs for x in (value if isinstance(value, list) else [value])]
    floats = [x for x in flat if is_float(x)]

    def function(*tensors: Any) -> Results:
        left = iter(tensors)

        def fill(value: Any) -> Any:
            if isinstance(value, list):
                return [fill(item) for item in value]
            return value if not isinstance(value, np.ndarray) else next(left) if is_float(value) else pt.asarray(value)

        return outputs(pt.ops.functional.OPERATORS[op](*map(fill, inputs), **rest))

    module = FILES[op]
    wide = [[*map(widened, value)] if isinstance(value, list) else widened(value) for value in inputs]
    want = [np.asarray(y) for y in outputs(module.reference(*wide, **rest))]
    magnitude = getattr(module, "magnitude", None)
    size = [np.asarray(y) for y in outputs(magnitude(*wide, **rest))] if magnitude else want
    return Trial(
        f"{op} {case} in {dtype}", function, floats, dtype, [*want], [*size], max(k, getattr(module, "K", 4)), layouts
    )


def is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def widened(value: Any) -> Any:
    return value.astype("float64") if is_float(value) else value


def length(rng: Rng, most: int, least: int = 1) -> int:
    """Any size, small ones as often as large ones; half of the time near a multiple of 16."""
    n = round(float(np.exp(rng.uniform(np.log(least), np.log(most)))))
    near = round(n / 16) * 16 + int(rng.integers(-1, 3))
    return int(np.clip(near if rng.random() < 0.5 else n, least, most))


def choice(rng: Rng, *options: Any) -> Any:
    return options[rng.integers(len(options))]


def fitting(rng: Rng, work: float, *most: int) -> list[int]:
    """Lengths whose product is at most `work`."""
    while True:
        sizes = [length(rng, n) for n in most]
        if np.prod(sizes, dtype=float) <= work:
            return sizes


# ------------------------------------------------------------ families


def products(rng: Rng) -> Trial:
    dtype = choice(rng, "float32", "float32", "bfloat16", "float16", "float64")
    m, k, n = fitting(rng, 2e7, 600, choice(rng, 300, 9000), 600)
    batch = choice(rng, (), (), (length(rng, 6),), (2, length(rng, 3)))
    shared = rng.random() < 0.5
    case = Case(normal((*batch, m, k)), normal((k, n) if shared else (*batch, k, n)))
    return trial_of("matmul", case, dtype, any_layouts(rng))


def products_of_pairs(rng: Rng) -> Trial:
    """As the processor multiplies bf16, where it does."""
    m, k, n = fitting(rng, 2e7, 600, 3000, 600)
    trial = trial_of("matmul", Case(normal((m, k)), normal((k, n))), "bfloat16", any_layouts(rng))
    return replace(trial, function=lambda a, b: [pt.matmul(a, b, dots="hardware")])


def epilogues(rng: Rng) -> Trial:
    m, k, n = fitting(rng, 2e7, 600, 600, 600)
    compiled = pt.compile(lambda a, b, c: pt.relu(a @ b + c))
    x, w, bias = (rng.standard_normal(shape).astype("float32") for shape in ((m, k), (k, n), (n,)))
    want = np.maximum(widened(x) @ widened(w) + bias, 0)
    size = np.abs(widened(x)) @ np.abs(widened(w)) + np.abs(bias)
    told = f"relu(a @ b + c) of {m} x {k} x {n}"
    return Trial(told, lambda *t: [compiled(*t)], [x, w, bias], "float32", [want], [size], 8, any_layouts(rng))


def convolution_shapes(rng: Rng) -> tuple[list[tuple[int, ...]], dict[str, Any]]:
    """x, w and y; half of them as networks have them, half of any window."""
    while True:
        usual = rng.random() < 0.5
        kh, kw = choice(rng, (3, 3), (5, 5)) if usual else choice(rng, (3, 3), (5, 5), (1, 1), (2, 4), (1, 7))
        rest = {"padding": kh // 2} if usual else any_window(rng)
        n, height, width = length(rng, 64), length(rng, 30), length(rng, 30)
        ci, co = (8 * length(rng, 8), 8 * length(rng, 10)) if usual else (length(rng, 80), length(rng, 80))
        groups = 1 if usual else choice(rng, 1, 1, 2, 3, ci)
        ci, co = (ci, ci) if groups == ci else (ci * groups, co * groups)  # depthwise
        x, w = (n, height, width, ci), (kh, kw, ci // groups, co)
        if np.prod(w, dtype=float) * n * height * width > 8e7 or max(kh, kw) * 2 > min(height, width):
            continue
        rest["groups"] = groups
        y = convolve(np.zeros((1, *x[1:])), np.zeros(w), **rest).shape
        return [x, w, (n, *y[1:])], rest


def any_window(rng: Rng) -> dict[str, Any]:
    return {
        "stride": choice(rng, 1, 1, 2, (2, 3)),
        "padding": choice(rng, 0, 1, 1, 2, (1, 0)),
        "dilation": choice(rng, 1, 1, 1, 2),
    }


def forward_convolutions(rng: Rng) -> Trial:
    (x, w, _), rest = convolution_shapes(rng)
    return trial_of("conv2d_kernel", Case(normal(x), normal(w), **rest), float_dtype(rng))


def gradients_of_images(rng: Rng) -> Trial:
    (x, w, y), rest = convolution_shapes(rng)
    return trial_of("conv2d_grad_input", Case(normal(y), normal(w), image=x[1:3], **rest), float_dtype(rng))


def gradients_of_weights(rng: Rng) -> Trial:
    (x, w, y), rest = convolution_shapes(rng)
    return trial_of("conv2d_grad_weight", Case(normal(x), normal(y), kernel_size=w[:2], **rest), float_dtype(rng))


def float_dtype(rng: Rng) -> str:
    return str(choice(rng, "float32", "float32", "float32", "bfloat16", "float64"))


def pooled_convolutions(rng: Rng) -> Trial:
    """Convolution, bias, ReLU and pooling as one instruction, and the gradients of all three."""
    window = choice(rng, (2, 2), (2, 2), (3, 3), (1, 2), (2, 1), (1, 1))
    n, ci, co = length(rng, 40), length(rng, 16), length(rng, 64, 16)
    height, width = window[0] * int(rng.integers(2, 8)), window[1] * int(rng.integers(1, 8))
    spread = choice(rng, 1, 1, 4)
    rest = {"padding": spread, "dilation": spread}
    given = [rng.standard_normal(s).astype("float32") for s in ((n, height, width, ci), (3, 3, ci, co), (co,))]

    def layer(x: Any, w: Any, b: Any) -> Any:
        return F.max_pool2d(pt.relu(F.conv2d(x, w, b, padding=spread, dilation=spread)), window, window)

    weights = pt.tensor(rng.standard_normal((n, height // window[0], width // window[1], co)).astype("float32"))
    backward = pt.compile(pt.grad(lambda *t: (layer(*t) * weights).sum(), argnums=(0, 1, 2)))
    compiled = pt.compile(layer)
    x, w, b = map(widened, given)
    pool = lambda y: np.max([seen for *_, seen in positions(y, window, window)], axis=0)  # noqa: E731
    want, size = pool(np.maximum(convolve(x, w, **rest) + b, 0)), pool(convolve(abs(x), abs(w), **rest) + abs(b))
    told = f"{window} pooling of a convolution of {given[0].shape} to {co} channels, {rest}"
    nothing: list[Array | None] = [None] * 3
    return Trial(
        told,
        lambda *t: [compiled(*t), *backward(*t)],
        given,
        "float32",
        [want, *nothing],
        [size, *nothing],
        8,
        ROW_MAJOR,
    )


def recurrences(rng: Rng) -> Trial:
    batch, steps, hidden = fitting(rng, 4e4, 150, 8, 90)
    state, states, gates = (batch, hidden), (batch, steps, hidden), (batch, steps, 4 * hidden)
    weights, dtype = normal((hidden, 4 * hidden), 0.5 / hidden**0.5), choice(rng, "float32", "float64")
    if rng.random() < 0.5:
        return trial_of("lstm_recurrence", Case(normal(gates, 0.5), weights, normal(state), normal(state)), dtype)
    given = (normal(state), normal(states), uniform(gates, 0.1, 0.9), normal(states), normal(states))
    return trial_of("lstm_recurrence_backward", Case(weights, *given), dtype)


def reductions(rng: Rng) -> Trial:
    op = choice(rng, "sum", "sum", "mean", "max", "min", "prod", "argmax", "logsumexp")
    shape = tuple(fitting(rng, 3e5, *choice(rng, (300_000,), (4000, 2000), (300, 300, 300), (40, 40, 40, 40))))
    axes = [axis for axis in range(len(shape)) if rng.random() < 0.5]
    axis: Any = tuple(axes) if axes and op != "argmax" else choice(rng, None, int(rng.integers(len(shape))))
    near_one = op == "prod"
    draw = uniform(shape, 0.9999, 1.0001) if near_one else normal(shape)
    dtype = choice(rng, "float32", "float32", "float64", "bfloat16")
    dtype = "float32" if dtype not in getattr(FILES[op], "DTYPES", EPS) or op == "argmax" else dtype
    terms = int(np.prod([shape[a] for a in ([axis] if isinstance(axis, int) else axis or range(len(shape)))]))
    # A product has a rounding for each of its factors.
    return trial_of(op, Case(draw, axis=axis), dtype, any_layouts(rng), k=terms if near_one else 0)


def places(rng: Rng) -> Trial:
    """Reading and writing by index."""
    op, dtype = (
        choice(rng, "take", "take_along_axis", "scatter_add", "put_along_axis"),
        choice(rng, "float32", "float64"),
    )
    rows, n, size = length(rng, 200), length(rng, 3000), length(rng, 3000)
    width = length(rng, max(2, min(300, 200_000 // (n * max(1, rows // 40)))))
    index = integers((n,), 0, size, "int64")
    if op == "take":
        return trial_of(op, Case(normal((size, width)), index, axis=0), dtype, any_layouts(rng))
    if op == "scatter_add":
        return trial_of(op, Case(index, normal((n, width)), size=size), dtype, k=2 + 8 * n / size)
    few = length(rng, 300)
    along = integers((rows, few), 0, size, "int64")
    if op == "take_along_axis":
        return trial_of(op, Case(normal((rows, size)), along, axis=1), dtype, any_layouts(rng))
    return trial_of(op, Case(along, normal((rows, few)), axis=1, size=size), dtype, k=2 + 8 * few / size)


def attentions(rng: Rng) -> Trial:
    batch, time, heads, width = fitting(rng, 4e4, 6, 200, 4, 64)
    causal, scale = bool(rng.random() < 0.5), width**-0.5
    drawn = [round_to(rng.standard_normal((batch, time, heads, width)), "float32") for _ in range(4)]

    def function(q: Any, k: Any, v: Any, g: Any) -> Results:
        attend = lambda *t: pt.ops.functional.OPERATORS["scaled_dot_product_attention"](*t, is_causal=causal)  # noqa: E731
        return [attend(q, k, v), *pt.grad(lambda *t: (attend(*t) * g).sum(), argnums=(0, 1, 2))(q, k, v)]

    q, k, v, g = map(widened, drawn)
    scores = np.einsum("bthd,bshd->bhts", q, k) * scale
    if causal:
        scores = np.where(np.triu(np.ones((time, time), bool), 1), -np.inf, scores)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)

    def answers(q: Array, k: Array, v: Array, g: Array, minus: float) -> list[Array | None]:
        dp = np.einsum("bthd,bshd->bhts", g, v)
        ds = p * (dp + minus * (dp * p).sum(-1, keepdims=True)) * scale
        parts = (
            ("bhts,bshd->bthd", p, v),
            ("bhts,bshd->bthd", ds, k),
            ("bhts,bthd->bshd", ds, q),
            ("bhts,bthd->bshd", p, g),
        )
        return [np.einsum(how, left, right) for how, left, right in parts]

    size = [y + 2.0**-6 for y in answers(*map(np.abs, (q, k, v, g)), 1.0) if y is not None]
    told = f"attention of {drawn[0].shape}, causal={causal}, and its gradients"
    return Trial(told, function, drawn, "float32", answers(q, k, v, g, -1.0), [*size], 32, any_layouts(rng))


def rows(rng: Rng) -> Trial:
    """Ops that are small fused programs, eager ones from the second call on."""
    op = choice(rng, "softmax", "log_softmax", "layer_norm", "rms_norm")
    shape = tuple(fitting(rng, 2e5, *choice(rng, (3000, 3000), (60, 60, 300))))
    if "norm" in op:
        shape = (*shape[:-1], max(shape[-1], 8))
    weights = [normal(shape[-1:]) for _ in range({"layer_norm": 2, "rms_norm": 1}.get(op, 0))]
    rest = {} if weights else {"axis": int(rng.integers(len(shape)))}
    return trial_of(
        op, Case(normal(shape), *weights, **rest), choice(rng, "float32", "float64"), any_layouts(rng), k=16
    )


def orders(rng: Rng) -> Trial:
    op = choice(rng, "sort", "argsort", "cumulative_sum", "cumulative_prod", "cummax")
    shape = tuple(fitting(rng, 1e5, *choice(rng, (100_000,), (2000, 2000), (60, 60, 60))))
    axis = int(rng.integers(len(shape)))
    draw = uniform(shape, 0.999, 1.001) if op == "cumulative_prod" else normal(shape)
    # Running sums in one dtype have a rounding for each element.
    k = shape[axis] if op.startswith("cumulative") else 0
    return trial_of(op, Case(draw, axis=axis), choice(rng, "float32", "float64"), any_layouts(rng), k=k)


def moves(rng: Rng) -> Trial:
    """Copies between strides, broadcasts, joins."""
    op, dtype = choice(rng, "add", "concat", "pad", "flip"), choice(rng, "float32", "bfloat16", "float64")
    shape = tuple(fitting(rng, 2e5, *choice(rng, (2000, 2000), (60, 60, 60))))
    axis = int(rng.integers(len(shape)))
    if op == "add":
        other = tuple(1 if rng.random() < 0.4 else n for n in shape)
        return trial_of(op, Case(normal(shape), normal(other)), dtype, any_layouts(rng))
    if op == "concat":
        more = (*shape[:axis], length(rng, 40), *shape[axis + 1 :])
        return trial_of(op, Case([normal(shape), normal(more)], axis=axis), dtype, any_layouts(rng))
    if op == "pad":
        return trial_of(
            op,
            Case(normal(shape), rng.integers(0, 3, len(shape)).tolist(), rng.integers(0, 3, len(shape)).tolist()),
            dtype,
        )
    return trial_of(op, Case(normal(shape), axis=axis), dtype, any_layouts(rng))


def quantized_products(rng: Rng) -> Trial:
    """Weights of 8 and 4 bits, and products of bytes."""
    m, k, n = fitting(rng, 2e7, 300, choice(rng, 300, 9000), 1200)
    if rng.random() < 0.4:
        a = choice(rng, integers((m, k), -128, 128, "int8"), integers((m, k), 0, 256, "uint8"))
        return trial_of("matmul_integer", Case(a, bytes_of(k, n)), "float32")
    group = choice(rng, None, None, 2 * length(rng, 64))
    scale = uniform((-(-k // group) if group else 1, n), 0.01, 0.1)
    weight = choice(rng, bytes_of, packed)(k, n)
    op, dtype = choice(rng, ("quantized_matmul", "float32"), ("quantized_linear", "bfloat16"))
    return trial_of(op, Case(normal((m, k)), weight, scale, group_size=group), dtype, any_layouts(rng))


FAMILIES: dict[str, Callable[[Rng], Trial]] = {
    family.__name__: family
    for family in (
        products, products_of_pairs, epilogues, forward_convolutions, gradients_of_images, gradients_of_weights,
        pooled_convolutions, recurrences, reductions, places, attentions, rows, orders, moves,
        quantized_products,
    )
}  # fmt: skip
# Their bits are those of the processor's own instructions.
OF_ONE_MACHINE = ("products_of_pairs",)


# ------------------------------------------------------------ examining them


def problems(trial: Trial, threads: Sequence[int]) -> tuple[list[Array], list[str]]:
    """The results, and what is wrong with them."""
    first: list[Array] = []
    found = []
    for count in threads:
        pt.set_threads(count)
        # What a kernel leaves out or reads too early is then no number, in scratch and in results.
        trial.run([np.full_like(x, np.nan) for x in trial.given])
        got = [to_array(y) for y in trial.run()]
        for at, (y, want, size) in enumerate(zip(got, trial.want, trial.size, strict=True)):
            where = f"{trial.told}, result {at}, {count} threads"
            if first and not same_bits(y, first[at]):
                found.append(f"{where}: other bits than with {threads[0]}")
            elif want is not None and size is not None:
                try:
                    compare(y, want, size, trial, where)
                except AssertionError as error:
                    found.append(" ".join(str(error).split()))
        first = first or got
    return first, found


def compare(got: Array, want: Array, size: Array, trial: Trial, where: str) -> None:
    if got.dtype.kind == "f":
        check(got, want, np.broadcast_to(size, want.shape), trial.k, trial.dtype, where)
    else:
        assert np.array_equal(got, want), f"{where}: other places than NumPy's"


def examine(family: str, seed: int, threads: Sequence[int]) -> tuple[str, list[str]]:
    """A digest of the results, and what is wrong. Of "every" family, the seeds take turns."""
    name = list(FAMILIES)[seed % len(FAMILIES)] if family == "every" else family
    turned = [*threads[seed % len(threads) :], *threads[: seed % len(threads)]]  # what is planned first may be kept
    got, found = problems(FAMILIES[name](np.random.default_rng([seed, *name.encode()])), turned)
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(y).tobytes() for y in got)).hexdigest()
    return "of one machine" if name in OF_ONE_MACHINE else digest, found


def child(family: str, threads: Sequence[int]) -> list[str]:
    """The command of a child, which is followed by its first seed and their number."""
    return [sys.executable, __file__, family, ",".join(map(str, threads))]


if __name__ == "__main__":
    name, counts, begin, number = sys.argv[1:]
    some = [int(count) for count in counts.split(",")]
    fuzz_children.serve(range(int(begin), int(begin) + int(number)), lambda seed: examine(name, seed, some))
