"""Calls of the ops that are not elementwise: inputs and attributes. Floats are float64, to be cast to what is tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.conformance.finding import rng

Forms = list[tuple[tuple[Any, ...], dict[str, Any]]]
# Ops that have no 16-bit kernels.
WIDE = ("float64",)
MORE_DTYPES: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("cholesky", "dft", "eigh", "lu", "qr", "real_dft", "real_dft_inverse", "solve_triangular", "svd_tall",
     "view_as_complex", "ctc_rows", "ctc_rows_backward", "eigenbasis"), WIDE
)  # fmt: skip


def normal(*shape: int) -> NDArray[np.float64]:
    return rng().standard_normal(shape)


def whole(high: int, *shape: int, low: int = 0, dtype: str = "int64") -> NDArray[Any]:
    return rng().integers(low, high, shape).astype(dtype)


def square(*shape: int) -> NDArray[np.float64]:
    """Matrices that no factorisation finds near a singular one."""
    return normal(*shape) + 3 * np.eye(shape[-2], shape[-1])


def definite(*shape: int) -> NDArray[np.float64]:
    x = square(*shape)
    return x @ np.swapaxes(x, -1, -2)


def tied() -> NDArray[np.float64]:
    """Equal elements, and what is not finite."""
    return np.array(
        [[1.0, 3.0, 3.0, -1.0], [2.0, np.nan, 5.0, np.nan], [0.0, -0.0, 0.0, -np.inf], [7.0, 7.0, 1.0, np.inf]]
    )


def reduced(values: Callable[..., NDArray[Any]] = normal) -> Forms:
    given = (((3, 5), (1,)), ((2, 3, 4), (0, 2)), ((7,), None), ((300, 3), (0,)))
    forms: Forms = [((values(*shape),), {"axis": axis, "keepdims": False}) for shape, axis in given]
    forms.append(((values(3, 5),), {"axis": (0,), "keepdims": True}))
    return [*forms, ((whole(9, 4, 6),), {"axis": (1,), "keepdims": False})]


def places() -> Forms:
    given: Forms = [((normal(3, 5),), {"axis": (1,)}), ((normal(3, 5),), {"axis": (0,), "keepdims": True})]
    return [*given, ((normal(9),), {"axis": None}), ((tied(),), {"axis": (1,)}), ((whole(4, 3, 6),), {"axis": (-1,)})]


def running() -> Forms:
    return [((normal(3, 7),), {"axis": 1}), ((normal(3, 7),), {"axis": 0, "reverse": True}),
            ((normal(6),), {"axis": None, "include_initial": True}), ((whole(5, 2, 4),), {"axis": -1})]  # fmt: skip


def positions() -> Forms:
    return [((normal(3, 7),), {"axis": 1}), ((tied(),), {"axis": -1}), ((whole(3, 4, 9),), {"axis": 0})]


POOLS: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((2, 6, 7, 3), {"kernel_size": (2, 2)}),
    ((1, 7, 7, 2), {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1)}),
    ((1, 8, 6, 1), {"kernel_size": (3, 2), "stride": (2, 3), "ceil_mode": True}),
)


def windows(size: int, window: int, stride: int, padding: int, ceil: bool) -> int:
    room = size + 2 * padding - window
    count = (room + (stride - 1 if ceil else 0)) // stride + 1
    return count - 1 if ceil and (count - 1) * stride >= size + padding else count


def pooled(*, image: bool, index: bool = False) -> Forms:
    forms: Forms = []
    for (n, h, w, c), given in POOLS:
        if not image:
            forms.append(((normal(n, h, w, c),), given))
            continue
        stride, padding = given.get("stride", given["kernel_size"]), given.get("padding", (0, 0))
        rows, columns = (
            windows(size, given["kernel_size"][i], stride[i], padding[i], given.get("ceil_mode", False))
            for i, size in enumerate((h, w))
        )
        g = normal(n, rows, columns, c)
        # The element in the middle of a window with padding, else the first: always inside of the image.
        middle = 4 if padding != (0, 0) else 0
        won = (np.full(g.shape, middle, np.uint8),) if index else ()
        forms.append(((g, *won), {**given, "image": (h, w)}))
    return forms


CONVOLUTIONS: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((2, 7, 6, 3), (3, 3, 3, 4), {}),
    ((1, 8, 8, 4), (3, 2, 2, 6), {"stride": (2, 1), "padding": (1, 0), "groups": 2}),
    ((1, 9, 9, 2), (3, 3, 2, 2), {"dilation": (2, 2), "padding": (2, 2)}),
)


def convolved(which: str) -> Forms:
    forms: Forms = []
    for x, w, given in CONVOLUTIONS:
        stride, padding, dilation = (given.get(name, (preset,) * 2) for name, preset in
                                     (("stride", 1), ("padding", 0), ("dilation", 1)))  # fmt: skip
        sizes = [(x[1 + i] + 2 * padding[i] - dilation[i] * (w[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
        g = normal(x[0], *sizes, w[3])
        if which == "kernel":
            forms.append(((normal(*x), normal(*w)), given))
        elif which == "input":
            forms.append(((g, normal(*w)), {**given, "image": x[1:3]}))
        else:
            forms.append(((normal(*x), g), {**given, "kernel_size": w[:2]}))
    return forms


def cast() -> Forms:
    to: Forms = [
        ((normal(11) * 4,), {"dtype": dtype}) for dtype in ("float32", "float64", "float16", "int32", "int64", "bool")
    ]
    from_whole: Forms = [
        ((whole(200, 9, dtype="int32"),), {"dtype": dtype}) for dtype in ("float32", "int64", "uint8", "bool")
    ]
    return [*to, *from_whole, ((normal(9) > 0,), {"dtype": "float32"}), ((np.abs(normal(9)) * 9,), {"dtype": "uint8"})]


def states() -> Forms:
    given = (((7, 0, 0), (2, 3), 0), ((2**40 + 5, 3, 2**33), (5,), 2), ((-1, 2**62, 1), (9,), 0), ((3, 1, 4), (), 1))
    return [((np.array(state, np.int64),), {"shape": shape, "ordinal": ordinal, "dtype": dtype})
            for state, shape, ordinal in given for dtype in ("float32", "float64")]  # fmt: skip


def ctc(back: bool) -> Forms:
    scores = normal(2, 6, 4)
    log_probs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    rest = (np.array([[1, 2, 2], [3, 0, 0]]), np.array([6, 5]), np.array([3, 1]))
    return [((log_probs, *rest, *((normal(2),) if back else ())), {"blank": 0})]


FORMS: dict[str, Callable[[], Forms]] = {
    "all": lambda: [
        ((whole(2, 3, 4) > 0,), {"axis": (1,)}),
        ((normal(6),), {"axis": None}),
        ((whole(2, 3, 4),), {"axis": (0,)}),
    ],
    "any": lambda: [
        ((whole(2, 3, 4) > 0,), {"axis": (1,)}),
        ((np.zeros(6),), {"axis": None}),
        ((whole(2, 3, 4),), {"axis": (0,)}),
    ],
    "argmax": places,
    "argmin": places,
    "argsort": lambda: [*positions(), ((tied(),), {"axis": 1, "descending": True})],
    "avg_pool2d": lambda: [
        *pooled(image=False),
        ((normal(1, 5, 5, 2),), {"kernel_size": (3, 3), "padding": (1, 1), "count_include_pad": False}),
    ],
    "avg_pool2d_backward": lambda: pooled(image=True),
    "broadcast_to": lambda: [
        ((normal(3, 1),), {"shape": (2, 3, 4)}),
        ((normal(),), {"shape": (5,)}),
        ((whole(9, 4),), {"shape": (3, 4)}),
    ],
    "astype": cast,
    "cholesky": lambda: [((definite(2, 4, 4),), {}), ((definite(5, 5),), {"upper": True})],
    "concat": lambda: [
        (([normal(2, 3), normal(2, 1), normal(2, 4)],), {"axis": 1}),
        (([whole(9, 2), whole(9, 3)],), {"axis": 0}),
        (([normal(2, 2), normal(2, 2)],), {"axis": 1}),
    ],
    "conv2d_grad_input": lambda: convolved("input"),
    "conv2d_grad_weight": lambda: convolved("weight"),
    "conv2d_kernel": lambda: convolved("kernel"),
    "ctc_rows": lambda: ctc(False),
    "ctc_rows_backward": lambda: ctc(True),
    "cummax_position": positions,
    "cummin_position": positions,
    "cumulative_prod": running,
    "cumulative_sum": running,
    "dft": lambda: [((normal(3, 6, 2),), {}), ((normal(5, 2),), {"inverse": True})],
    "eigenbasis": lambda: [((definite(4, 4), np.eye(4), np.array(due)), {}) for due in (0, 1, 2)],
    "eigh": lambda: [((definite(2, 4, 4),), {})],
    "lu": lambda: [((square(2, 4, 4)[:, ::-1].copy(),), {}), ((square(3, 3),), {})],
    "matmul": lambda: [
        ((normal(*a), normal(*b)), {})
        for a, b in (
            ((5, 7), (7, 3)),
            ((2, 3, 4), (2, 4, 5)),
            ((4, 3), (3,)),
            ((3,), (3, 4)),
            ((2, 1, 3, 4), (5, 4, 2)),
            ((3, 0), (0, 2)),
        )
    ],
    "max": lambda: [*reduced(), ((tied(),), {"axis": (1,)})],
    "max_pool2d_backward": lambda: pooled(image=True, index=True),
    "max_pool2d_with_index": lambda: pooled(image=False),
    "min": lambda: [*reduced(), ((tied(),), {"axis": (1,)})],
    "prod": reduced,
    "put_along_axis": lambda: [
        ((whole(6, 3, 4, low=-6), normal(3, 4)), {"axis": 1, "size": 6}),
        ((whole(2, 4, 3), normal(4, 3)), {"axis": 0, "size": 2}),
    ],
    "put_along_axis_max": lambda: [((whole(3, 3, 4), normal(3, 4)), {"axis": 1, "size": 5})],
    "put_rows": lambda: [
        ((normal(6, 3), np.array([4, 1, 4, -1]), normal(4, 3)), {}),
        ((normal(4), np.array([2, 2]), normal(2)), {}),
    ],
    "qr": lambda: [((square(2, 5, 3),), {}), ((square(4, 4),), {})],
    "random_uniform": states,
    "real_dft": lambda: [((normal(3, 8),), {}), ((normal(5),), {"scale": 0.5})],
    "real_dft_inverse": lambda: [((normal(2, 5, 2),), {"n": 8}), ((normal(3, 2),), {"n": 5, "scale": 2.0})],
    "reshape": lambda: [
        ((normal(4, 6),), {"shape": (3, 8)}),
        ((normal(1, 1),), {"shape": ()}),
        ((whole(9, 0, 3),), {"shape": (3, 0)}),
    ],
    "scatter_add": lambda: [
        ((whole(5, 4, low=-5), normal(4, 3)), {"axis": 0, "size": 5}),
        ((whole(3, 2, 4), normal(2, 2, 4, 5)), {"axis": 1, "size": 3}),
    ],
    "searchsorted": lambda: [
        ((np.array([-1.0, 0.0, 0.0, 2.0]), normal(5, 3)), {"side": side}) for side in ("left", "right")
    ],
    "slice": lambda: [
        ((normal(5, 6),), {"start": (1, 4), "stop": (5, -1), "step": (2, -2)}),
        ((normal(7),), {"start": (0,), "stop": (3,), "step": None}),
    ],
    "slice_scatter": lambda: [
        ((normal(2, 3),), {"shape": (5, 6), "start": (1, 4), "step": (2, -2)}),
        ((normal(2),), {"shape": (4,), "start": (1,), "step": (1,), "value": 7.0}),
    ],
    "solve_triangular": lambda: [
        ((square(2, 4, 4), normal(2, 4, 3)), given)
        for given in ({}, {"upper": True}, {"transposed": True}, {"unitriangular": True})
    ],
    "sum": reduced,
    "svd_tall": lambda: [((square(2, 5, 3),), {})],
    "take": lambda: [
        ((normal(6, 3), whole(6, 2, 4, low=-6)), {"axis": 0}),
        ((normal(2, 5, 3), whole(5, 4)), {"axis": 1}),
        ((whole(9, 7), whole(7, 3)), {"axis": 0}),
    ],
    "take_along_axis": lambda: [
        ((normal(3, 5), whole(5, 3, 2, low=-5)), {"axis": 1}),
        ((normal(4, 3), whole(4, 2, 3)), {"axis": 0}),
    ],
    "permute_dims": lambda: [((normal(2, 3, 4),), {"axes": (2, 0, 1)}), ((whole(9, 2, 3),), {"axes": (1, 0)})],
    "view_as_complex": lambda: [((normal(3, 2),), {})],
    "view_as_real": lambda: [((normal(3) + 1j * normal(3),), {})],
}
